/**
 * An HTTP proxy in the region, for trying out a cluster that has no other way out: squid, as Debian ships it.
 *
 * Off by default. It outlives the daemon; its access log shows what went through it (see checks/proxy.ts).
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  fchownSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { joinHostGroup } from "./cgroups.js";
import { logsDirectory, proxyDirectory } from "./names.js";
import { Daemon } from "../process/daemon.js";
import { run } from "../process/run.js";
import { inNamespace } from "./run.js";

/** `only`: machines reach mirror and registry through the proxy alone. */
export const proxyModes = ["off", "on", "only"] as const;
export type ProxyMode = (typeof proxyModes)[number];

const port = 3128;

/** Squid gives up being root for this user, who must be able to write its log. */
const user = "proxy";

const modeFile = (config: LabConfig): string => join(proxyDirectory(config), "mode");
const configFile = (config: LabConfig): string => join(proxyDirectory(config), "squid.conf");
const errorLog = (config: LabConfig): string => join(logsDirectory(config), "squid.log");

/** One line for each request since the proxy's first start, in the format that `parseProxyLog` reads. */
export const proxyLog = (config: LabConfig): string => join(logsDirectory(config), "proxy-access.log");

/** Address for `http_proxy` and `https_proxy`. */
export const proxyUrl = (config: LabConfig): string => `http://${config.gateway}:${port}`;

/** Mirror and registry, which machines reach through the proxy alone in mode `only`. */
export function behindProxy(config: LabConfig): { readonly address: string; readonly ports: readonly number[] } {
  return {
    address: config.gateway,
    ports: [config.mirrorUrl, config.registryUrl].map((url) => Number(new URL(url).port)),
  };
}

/** The region's mode. */
export function proxyMode(config: LabConfig): ProxyMode {
  const text = existsSync(modeFile(config)) ? readFileSync(modeFile(config), "utf8").trim() : "";
  return proxyModes.find((mode) => mode === text) ?? "off";
}

/**
 * The mode that COREKUBE_LAB_PROXY asks for: `0`, `1` or `only`; unset: as the region has it, so that a later `make up` does not
 * take away the proxy that machines are set up for.
 * @throws Error when it is anything else.
 */
export function wantedProxyMode(config: LabConfig, env: NodeJS.ProcessEnv = process.env): ProxyMode {
  const text = env["COREKUBE_LAB_PROXY"] ?? "";
  if (text === "") return proxyMode(config);
  const modes: Readonly<Record<string, ProxyMode>> = { "0": "off", "1": "on", only: "only" };
  const mode = modes[text];
  if (!mode)
    throw new Error(
      `COREKUBE_LAB_PROXY: got "${text}", allowed are 0, 1 and only; unset it to leave the region as it is`,
    );
  return mode;
}

export function setProxyMode(config: LabConfig, mode: ProxyMode): void {
  mkdirSync(proxyDirectory(config), { recursive: true });
  writeFileSync(modeFile(config), `${mode}\n`);
}

/** Squid's configuration: machines may ask for anything, and nothing is kept. */
export function squidConfig(config: LabConfig): string {
  return [
    `http_port ${config.gateway}:${port}`,
    `acl machines src ${config.publicCidr}`,
    "http_access allow machines",
    "http_access deny all",
    // No caching: every request must reach the origin and appear in the log.
    "cache deny all",
    "cache_mem 8 MB",
    "strip_query_terms off",
    `logformat corekube ${logFormat}`,
    // Opened after root's rights are gone: the file by its descriptor, since the folders above it may be root's alone.
    "access_log stdio:/proc/self/fd/1 corekube",
    "cache_log /proc/self/fd/2",
    "cache_store_log none",
    `cache_effective_user ${user}`,
    "pid_filename none",
    "coredump_dir /",
    "pinger_enable off",
    "netdb_filename none",
    // No name leads out of the region: one is answered with an error at once, and is in the log.
    "dns_nameservers 127.0.0.1",
    "dns_timeout 2 seconds",
    "max_filedescriptors 4096",
    "shutdown_lifetime 1 second",
    "visible_hostname corekube-lab-proxy",
    "",
  ].join("\n");
}

/** Seconds since 1970, client, method, status, target (an address, or `host:port` of a tunnel). */
const logFormat = "%ts.%03tu %>a %rm %>Hs %ru";

/** Makes squid run, or not, as the region's mode says. @throws Error when it does not start, with the end of its log. */
export async function ensureProxy(config: LabConfig): Promise<void> {
  if (proxyMode(config) === "off") return stopProxy(config);
  const text = squidConfig(config);
  const unchanged = existsSync(configFile(config)) && readFileSync(configFile(config), "utf8") === text;
  if (unchanged && daemon(config).running()) return;
  await stopProxy(config);
  writeFileSync(configFile(config), text);
  // It reads the file as root, and refuses what it does not understand.
  await run(inNamespace(config.namespace, ["squid", "-k", "parse", "-f", configFile(config)]));
  mkdirSync(logsDirectory(config), { recursive: true });
  const access = openLog(proxyLog(config), 64);
  closeSync(openLog(errorLog(config), 8));
  try {
    await daemon(config).start({
      command: inNamespace(config.namespace, ["squid", "-N", "-f", configFile(config)]),
      stdout: access,
      onStart: ({ pid }) => joinHostGroup(config, pid),
      ready: () => listens(config),
      timeout: 30_000,
    });
  } finally {
    closeSync(access);
  }
}

/** A log that squid's user may write; a new one when it has more than `limit` MB. */
function openLog(file: string, limit: number): number {
  if (existsSync(file) && statSync(file).size > limit * 1024 * 1024) renameSync(file, `${file}.1`);
  const descriptor = openSync(file, "a", 0o640);
  fchownSync(descriptor, numericId("-u"), numericId("-g"));
  return descriptor;
}

const daemon = (config: LabConfig): Daemon =>
  new Daemon("proxy (squid)", join(proxyDirectory(config), "process.json"), errorLog(config));

/** Ends squid. Its logs stay. */
async function stopProxy(config: LabConfig): Promise<void> {
  await daemon(config).stop();
  rmSync(configFile(config), { force: true });
}

/** Whether squid's port takes connections; asked from the host, as an administrator would. */
async function listens(config: LabConfig): Promise<boolean> {
  const socket = connect({ host: config.gateway, port, timeout: 1_000 });
  try {
    await new Promise<void>((resolve, reject) =>
      socket
        .once("connect", resolve)
        .once("error", reject)
        .once("timeout", () => reject(new Error("no answer"))),
    );
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function numericId(option: "-u" | "-g"): number {
  const result = spawnSync("id", [option, user], { encoding: "utf8" });
  if (result.status !== 0)
    throw new Error(`proxy: there is no user "${user}"; Debian's package squid needs it: ${result.stderr.trim()}`);
  return Number(result.stdout.trim());
}
