/** Load balancers of a region: one haproxy, which outlives the daemon and is reloaded without dropping connections. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { LoadBalancerSpec, VpcSpec } from "./spec.js";
import type { LabConfig } from "../config.js";
import { joinHostGroup } from "./cgroups.js";
import { haproxyConfig } from "./haproxy.js";
import {
  balancerSocket,
  balancersDirectory,
  logsDirectory,
  metadataAddress,
  publicBridge,
  vpcBridge,
} from "./names.js";
import { ownAddresses, setAddresses } from "./network.js";
import { Daemon } from "../process/daemon.js";
import { type ProcessMark, childrenOf, signalMark } from "../process/marks.js";
import { run } from "../process/run.js";
import { until } from "../process/until.js";
import { inNamespace } from "./run.js";

const configFile = (config: LabConfig): string => join(balancersDirectory(config), "haproxy.cfg");
const stateFile = (config: LabConfig): string => join(balancersDirectory(config), "servers.state");
/** Makes the load balancers equal to the given ones; none: haproxy ends. @throws Error when haproxy refuses the configuration. */
export async function applyBalancers(
  config: LabConfig,
  balancers: readonly LoadBalancerSpec[],
  vpcs: readonly VpcSpec[],
): Promise<void> {
  mkdirSync(balancersDirectory(config), { recursive: true });
  const external = balancers.filter((balancer) => balancer.network === "EXTERNAL").map((balancer) => balancer.ip);
  const inVpc = (vpc: string): readonly string[] =>
    balancers
      .filter((balancer) => balancer.vpcId === vpc)
      .flatMap((balancer) => [balancer.privateIpv4, ...(balancer.network === "INTERNAL" ? [balancer.ip] : [])]);
  // New addresses before haproxy binds to them, old ones away once it has let go.
  const present = async (strict: boolean): Promise<void> => {
    const keep = strict ? [] : previousAddresses(config);
    await setAddresses(config, publicBridge, external, [config.gateway, metadataAddress, ...keep]);
    for (const vpc of vpcs)
      await setAddresses(config, vpcBridge(vpc.id), [...inVpc(vpc.id), ...ownAddresses(vpc)], keep);
  };
  await present(false);
  const text = haproxyConfig(balancers, { socket: balancerSocket(config), state: stateFile(config) });
  if (balancers.length === 0) await stopBalancers(config);
  else await load(config, text);
  await present(true);
}

async function load(config: LabConfig, text: string): Promise<void> {
  const haproxy = daemon(config);
  const running = haproxy.running();
  const unchanged = existsSync(configFile(config)) && readFileSync(configFile(config), "utf8") === text;
  if (unchanged && running) return;
  const candidate = `${configFile(config)}.new`;
  writeFileSync(candidate, text, { mode: 0o600 });
  if (!existsSync(stateFile(config))) writeFileSync(stateFile(config), "");
  await run(inNamespace(config.namespace, ["haproxy", "-c", "-q", "-f", candidate]));
  renameSync(candidate, configFile(config));
  if (running) return reload(config, running);
  writeFileSync(stateFile(config), "");
  await haproxy.start({
    command: inNamespace(config.namespace, ["haproxy", "-W", "-f", configFile(config)]),
    onStart: ({ pid }) => joinHostGroup(config, pid),
    ready: async ({ pid }) => childrenOf(pid).length > 0 && (await command(config, "show info")) !== "",
    pause: 20,
  });
}

async function reload(config: LabConfig, master: ProcessMark): Promise<void> {
  writeFileSync(stateFile(config), (await command(config, "show servers state").catch(() => "")) || "");
  const before = childrenOf(master.pid);
  signalMark(master, "SIGUSR2");
  // The master executes itself again and then starts a worker; the worker before serves its last connections to their end.
  await until(`load balancers: haproxy's new configuration; see ${logFile(config)}`, polling, async () => {
    const changed = childrenOf(master.pid).some((pid) => !before.includes(pid));
    return changed && (await command(config, "show info")) !== "";
  });
}

const polling = { timeout: 10_000, pause: 20 };

const logFile = (config: LabConfig): string => join(logsDirectory(config), "haproxy.log");

const daemon = (config: LabConfig): Daemon =>
  new Daemon("load balancers (haproxy)", join(balancersDirectory(config), "process.json"), logFile(config));

/** Ends haproxy with all its workers. */
async function stopBalancers(config: LabConfig): Promise<void> {
  await daemon(config).stop(3_000);
  for (const file of [configFile(config), balancerSocket(config)]) rmSync(file, { force: true });
}

export interface TargetState {
  /** Name of the backend (see `backendName`). */
  readonly backend: string;
  readonly machineId: number;
  /** Whether it gets connections; before its first check, it does. */
  readonly healthy: boolean;
  /** Whether its checks have decided that, and agree. */
  readonly settled: boolean;
  /** Connections that are open now. */
  readonly open: number;
  /** Connections since the load balancer was last loaded. */
  readonly all: number;
}

/** Every target as its load balancer sees it; none when no load balancer runs. */
export async function balancerTargets(config: LabConfig): Promise<readonly TargetState[]> {
  if (!daemon(config).running()) return [];
  const [head = [], ...rows] = (await command(config, "show stat"))
    .replace(/^# /, "")
    .split("\n")
    .map((line) => line.split(","));
  const [status, check, open, all] = ["status", "check_status", "scur", "stot"].map((name) => head.indexOf(name)) as [
    number,
    number,
    number,
    number,
  ];
  return rows
    .filter((fields) => /^machine-[0-9]+$/.test(fields[1] ?? ""))
    .map((fields) => ({
      backend: fields[0]!,
      machineId: Number(fields[1]!.slice("machine-".length)),
      healthy: fields[status]!.startsWith("UP"),
      settled: /^(UP|DOWN)$/.test(fields[status]!) && !/^(\* ?)?(INI)?$/.test(fields[check]!),
      open: Number(fields[open]),
      all: Number(fields[all]),
    }));
}

/** One command to haproxy's socket. */
function command(config: LabConfig, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(balancerSocket(config));
    let answer = "";
    socket.setTimeout(3_000, () => socket.destroy(new Error("no answer")));
    socket.setEncoding("utf8").on("data", (part: string) => (answer += part));
    socket.on("error", reject).on("close", () => resolve(answer));
    socket.end(`${text}\n`);
  });
}

/** Addresses that the running haproxy may be bound to. */
function previousAddresses(config: LabConfig): readonly string[] {
  if (!existsSync(configFile(config))) return [];
  return [...readFileSync(configFile(config), "utf8").matchAll(/^ {2}(?:bind|source) ([0-9.]+)/gm)].map(
    (match) => match[1]!,
  );
}
