/** Load balancers of a region: one haproxy, which outlives the daemon and is reloaded without dropping connections. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LoadBalancerSpec, VpcSpec } from "../clouds/digitalocean/driver.js";
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
import { setAddresses } from "./network.js";
import {
  type ProcessMark,
  childrenOf,
  isAlive,
  markOf,
  readMark,
  signalMark,
  waitForEnd,
  writeMark,
} from "./processes.js";
import { inNamespace, run } from "./run.js";

const configFile = (config: LabConfig): string => join(balancersDirectory(config), "haproxy.cfg");
const stateFile = (config: LabConfig): string => join(balancersDirectory(config), "servers.state");
const markFile = (config: LabConfig): string => join(balancersDirectory(config), "process.json");
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
      .filter((balancer) => balancer.vpcUuid === vpc)
      .flatMap((balancer) => [balancer.privateIpv4, ...(balancer.network === "INTERNAL" ? [balancer.ip] : [])]);
  // New addresses before haproxy binds to them, old ones away once it has let go.
  const present = async (strict: boolean): Promise<void> => {
    const keep = strict ? [] : previousAddresses(config);
    await setAddresses(config, publicBridge, external, [config.gateway, metadataAddress, ...keep]);
    for (const vpc of vpcs)
      await setAddresses(config, vpcBridge(vpc.id), inVpc(vpc.id), [...(vpc.gateways ?? []), ...keep]);
  };
  await present(false);
  const text = haproxyConfig(balancers, { socket: balancerSocket(config), state: stateFile(config) });
  if (balancers.length === 0) await stopBalancers(config);
  else await load(config, text);
  await present(true);
}

async function load(config: LabConfig, text: string): Promise<void> {
  const mark = readMark(markFile(config));
  const unchanged = existsSync(configFile(config)) && readFileSync(configFile(config), "utf8") === text;
  if (unchanged && isAlive(mark)) return;
  const candidate = `${configFile(config)}.new`;
  writeFileSync(candidate, text, { mode: 0o600 });
  if (!existsSync(stateFile(config))) writeFileSync(stateFile(config), "");
  await run(inNamespace(config.namespace, ["haproxy", "-c", "-q", "-f", candidate]));
  writeFileSync(configFile(config), text, { mode: 0o600 });
  rmSync(candidate);
  if (isAlive(mark)) await reload(config, mark);
  else await start(config);
}

async function reload(config: LabConfig, master: ProcessMark): Promise<void> {
  writeFileSync(stateFile(config), (await command(config, "show servers state").catch(() => "")) || "");
  const before = childrenOf(master.pid);
  signalMark(master, "SIGUSR2");
  const end = Date.now() + 10_000;
  // The master starts itself anew and then a worker; the one before serves its last connections to their end.
  while (!childrenOf(master.pid).some((pid) => !before.includes(pid))) {
    if (!isAlive(master) || Date.now() > end)
      throw new Error(`load balancers: haproxy did not take its new configuration; see ${logFile(config)}`);
    await sleep(20);
  }
  await answering(config);
}

async function start(config: LabConfig): Promise<void> {
  mkdirSync(logsDirectory(config), { recursive: true });
  writeFileSync(stateFile(config), "");
  if (existsSync(logFile(config)) && statSync(logFile(config)).size > 1024 * 1024) rmSync(logFile(config));
  const log = openSync(logFile(config), "a");
  const [program, ...parameters] = inNamespace(config.namespace, ["haproxy", "-W", "-f", configFile(config)]);
  const child = spawn(program!, parameters, { detached: true, stdio: ["ignore", log, log], cwd: "/" });
  closeSync(log);
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  const mark = markOf(child.pid!);
  if (!mark) throw new Error(`load balancers: haproxy ended at once; see ${logFile(config)}`);
  joinHostGroup(config, child.pid);
  writeMark(markFile(config), mark);
  child.unref();
  const end = Date.now() + 10_000;
  while (childrenOf(mark.pid).length === 0) {
    if (!isAlive(mark) || Date.now() > end)
      throw new Error(`load balancers: haproxy did not start; see ${logFile(config)}`);
    await sleep(20);
  }
  await answering(config);
}

async function answering(config: LabConfig): Promise<void> {
  const end = Date.now() + 10_000;
  for (;;) {
    const answer = await command(config, "show info").catch(() => "");
    if (answer !== "") return;
    if (Date.now() > end)
      throw new Error(`load balancers: haproxy does not answer on ${balancerSocket(config)}; see ${logFile(config)}`);
    await sleep(20);
  }
}

const logFile = (config: LabConfig): string => join(logsDirectory(config), "haproxy.log");

/** Ends haproxy with all its workers. */
export async function stopBalancers(config: LabConfig): Promise<void> {
  const mark = readMark(markFile(config));
  const workers = isAlive(mark) ? childrenOf(mark.pid).map(markOf) : [];
  signalMark(mark, "SIGTERM");
  if (!(await waitForEnd(mark, 3_000))) {
    for (const process of [mark, ...workers]) signalMark(process, "SIGKILL");
    await waitForEnd(mark, 2_000);
  }
  for (const file of [markFile(config), configFile(config), balancerSocket(config)]) rmSync(file, { force: true });
}

/** Health of every target as its load balancer sees it: backend name, droplet id, whether it gets connections. */
export async function balancerHealth(
  config: LabConfig,
): Promise<readonly { readonly backend: string; readonly dropletId: number; readonly healthy: boolean }[]> {
  if (!isAlive(readMark(markFile(config)))) return [];
  const lines = (await command(config, "show stat")).split("\n").map((line) => line.split(","));
  const status = lines[0]?.indexOf("status") ?? -1;
  return lines
    .filter((fields) => /^droplet-[0-9]+$/.test(fields[1] ?? ""))
    .map((fields) => ({
      backend: fields[0]!,
      dropletId: Number(fields[1]!.slice("droplet-".length)),
      healthy: fields[status]!.startsWith("UP"),
    }));
}

/** Connections of every target: those that are open now, and those since the load balancer was last loaded. */
export async function balancerSessions(
  config: LabConfig,
): Promise<
  readonly { readonly backend: string; readonly dropletId: number; readonly open: number; readonly all: number }[]
> {
  const [head = [], ...rows] = (await command(config, "show stat"))
    .replace(/^# /, "")
    .split("\n")
    .map((line) => line.split(","));
  const [open, all] = [head.indexOf("scur"), head.indexOf("stot")];
  return rows
    .filter((fields) => /^droplet-[0-9]+$/.test(fields[1] ?? ""))
    .map((fields) => ({
      backend: fields[0]!,
      dropletId: Number(fields[1]!.slice("droplet-".length)),
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
