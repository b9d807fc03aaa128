/** The region's name server: dnsmasq, which outlives the daemon and reads its names again when they change. */
import { Resolver } from "node:dns/promises";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { Daemon } from "../process/daemon.js";
import { signalMark } from "../process/marks.js";
import { joinHostGroup } from "./cgroups.js";
import { hostLines, setHostNames } from "./hostNames.js";
import { logsDirectory, nameServerDirectory } from "./names.js";
import { inNamespace } from "./run.js";
import type { NameSpec } from "./spec.js";

/** Seconds for which a client may keep an address: that of AWS's load balancers. */
const lifetime = 60;

/** What is not there below these does not exist. For all other names somebody else would have to be asked, so they are refused. */
const zones = ["amazonaws.com", "internal"];

/** Where the server answers, and the host's file of names. */
export interface NamePlace {
  /** Network namespace; undefined: that of this process. */
  readonly namespace?: string;
  readonly address: string;
  readonly port: number;
  readonly hosts?: string;
}

const placeOf = ({ namespace, gateway }: LabConfig): NamePlace => ({ namespace, address: gateway, port: 53 });

const daemon = (config: LabConfig): Daemon =>
  new Daemon(
    "name server (dnsmasq)",
    join(nameServerDirectory(config), "process.json"),
    join(logsDirectory(config), "dnsmasq.log"),
  );

/** Makes the region's names equal to the given ones; none: the server ends. @throws Error when it does not start, with the end of its log. */
export async function applyNames(
  config: LabConfig,
  names: readonly NameSpec[],
  place: NamePlace = placeOf(config),
): Promise<void> {
  const server = daemon(config);
  if (names.length === 0) await server.stop();
  else await serve(config, names, place);
  const outside = names.filter(({ inside }) => inside !== true);
  await setHostNames(config, outside, place.hosts);
}

async function serve(config: LabConfig, names: readonly NameSpec[], place: NamePlace): Promise<void> {
  const file = join(nameServerDirectory(config), "hosts");
  const text = `${hostLines(names).join("\n")}\n`;
  const server = daemon(config);
  const running = server.running();
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) {
    mkdirSync(nameServerDirectory(config), { recursive: true });
    writeFileSync(file, text);
    signalMark(running, "SIGHUP");
  }
  if (running) return;
  const { namespace, address, port } = place;
  const command = [
    ...["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root", "--log-facility=-"],
    ...[`--port=${port}`, "--no-resolv", "--no-hosts", `--addn-hosts=${file}`, `--local-ttl=${lifetime}`],
    ...zones.map((zone) => `--local=/${zone}/`),
  ];
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([`${address}:${port}`]);
  await server.start({
    command: namespace === undefined ? command : inNamespace(namespace, command),
    onStart: ({ pid }) => namespace !== undefined && joinHostGroup(config, pid),
    ready: async () => (await resolver.resolve4(names[0]!.name)).length > 0,
  });
}
