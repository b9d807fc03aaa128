/** The engine, set up for the lab's stack: environment, stack, locks, and one place that starts `pulumi`. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { delimiter, join } from "node:path";
import type { LabConfig } from "../config.js";
import { projectDirectory } from "../config.js";
import { cloudOf } from "../clouds/index.js";
import type { Progress } from "../progress.js";
import { binDirectory } from "../toolchain/index.js";
import { isAlive, run, sleep, tryRun, type RunOptions, type RunResult } from "./process.js";
import { projectName, settingsFile, stackDirectory, stackName } from "./settings.js";

/** Administrator's kubeconfig of the region's cluster; readable by the owner only. */
export function kubeconfigFile(config: LabConfig): string {
  return join(config.directory, "kubeconfig");
}

function stateDirectory(config: LabConfig): string {
  return join(config.directory, "state");
}

/**
 * The engine's home. The user's own when there is one, because provider plugins installed there win over the lab's.
 */
export function pulumiHome(config: LabConfig, env: NodeJS.ProcessEnv = process.env): string {
  if (env["PULUMI_HOME"]) return env["PULUMI_HOME"];
  const usual = join(homedir(), ".pulumi");
  return existsSync(join(usual, "plugins")) ? usual : join(config.directory, "pulumi-home");
}

/** Folders of the plugins that are installed in the engine's home, such as `plugins/resource-tls-v5.6.1`. */
function installedPlugins(config: LabConfig): string[] {
  const folder = join(pulumiHome(config), "plugins");
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}

/** What `make env` exports, and every child of ours gets. */
export function stackEnvironment(config: LabConfig, stack = stackName(config)): Record<string, string> {
  const inherited = (process.env["PATH"] ?? "").split(delimiter);
  const tools = binDirectory(config, [...inherited, ...installedPlugins(config)]);
  const path = inherited.filter((folder) => folder !== tools);
  const direct = [config.gateway, config.publicCidr].join(",");
  const noProxy = process.env["NO_PROXY"] ?? process.env["no_proxy"];
  const proxied = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"].some((name) => process.env[name]);
  return {
    PATH: [tools, ...path].join(delimiter),
    KUBECONFIG: kubeconfigFile(config),
    PULUMI_HOME: pulumiHome(config),
    PULUMI_BACKEND_URL: `file://${stateDirectory(config)}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: join(config.directory, "passphrase"),
    PULUMI_STACK: stack,
    PULUMI_OPTION_CONFIG_FILE: settingsFile(config, stack),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    ...cloudOf(config).environment(config),
    ...(config.name === "lab" ? {} : { COREKUBE_LAB: config.name }),
    ...(process.env["COREKUBE_LAB_DIR"] ? { COREKUBE_LAB_DIR: process.env["COREKUBE_LAB_DIR"] } : {}),
    ...(process.env["COREKUBE_CACHE"] ? { COREKUBE_CACHE: process.env["COREKUBE_CACHE"] } : {}),
    ...(proxied && !noProxy?.includes(config.publicCidr)
      ? { NO_PROXY: noProxy ? `${noProxy},${direct}` : direct }
      : {}),
  };
}

/** Variables that would win over those above, even when they are empty. */
export const conflictingVariables = (config: LabConfig): readonly string[] => [
  "PULUMI_CONFIG_PASSPHRASE",
  // A user's own account must not be what the lab's stack is made in.
  ...cloudOf(config).conflictingVariables,
];

/** Environment of a child: the caller's, without what conflicts, with the stack's. */
export function childEnvironment(config: LabConfig, stack?: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...stackEnvironment(config, stack) };
  for (const name of conflictingVariables(config)) delete env[name];
  return env;
}

export interface PulumiOptions extends Omit<RunOptions, "env"> {
  readonly stack?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs `pulumi` in the project, without a terminal and without colours; returns whatever its exit code is. */
export function tryPulumi(config: LabConfig, args: readonly string[], options: PulumiOptions = {}): Promise<RunResult> {
  return tryRun("pulumi", [...args, "--non-interactive", "--color", "never"], {
    cwd: projectDirectory,
    ...options,
    env: { ...childEnvironment(config, options.stack), ...options.env },
  });
}

/**
 * Runs `pulumi` and returns its standard output.
 * @throws CommandError when it fails.
 */
export function pulumi(config: LabConfig, args: readonly string[], options: PulumiOptions = {}): Promise<string> {
  return run("pulumi", [...args, "--non-interactive", "--color", "never"], {
    cwd: projectDirectory,
    ...options,
    env: { ...childEnvironment(config, options.stack), ...options.env },
  });
}

/** Makes the state folder, the passphrase and the stack; all of them stay when they are there. */
export async function ensureStack(config: LabConfig, stack: string, progress: Progress): Promise<void> {
  mkdirSync(stateDirectory(config), { recursive: true, mode: 0o700 });
  mkdirSync(pulumiHome(config), { recursive: true, mode: 0o700 });
  const passphrase = join(config.directory, "passphrase");
  if (!existsSync(passphrase)) writeFileSync(passphrase, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  if (!stackExists(config, stack)) {
    progress.report(`making stack ${stack}`);
    // In the region's own folder: `stack init` writes the encryption salt into the settings file beside Pulumi.yaml.
    await pulumi(config, ["stack", "init", stack], { stack, cwd: stackDirectory(config) });
  }
}

/** True when the backend knows the stack. */
export function stackExists(config: LabConfig, stack: string): boolean {
  return existsSync(join(stateDirectory(config), ".pulumi", "stacks", projectName, `${stack}.json`));
}

/**
 * Clears the way for a run: waits for a run that is still at work on the stack, and takes away the lock of one that is
 * gone (it was killed).
 * @throws Error when the other run has not ended within half an hour.
 */
export async function clearLocks(config: LabConfig, stack: string, progress: Progress): Promise<void> {
  const end = Date.now() + 30 * 60_000;
  for (;;) {
    const locks = readLocks(config, stack);
    if (locks.length === 0) return;
    const holder = locks.find((lock) => lock.hostname === hostname() && isAlive(lock.pid));
    if (!holder) {
      progress.report(`removing the lock of a run that was killed (pid ${locks.map((lock) => lock.pid).join(", ")})`);
      await pulumi(config, ["cancel", "--yes", `organization/${projectName}/${stack}`], { stack });
      return;
    }
    if (Date.now() > end || progress.signal?.aborted) {
      throw new Error(
        `stack ${stack}: another pulumi (pid ${holder.pid}) still works on it; wait for its end or stop it with "kill -INT ${holder.pid}"`,
      );
    }
    progress.report(`waiting for another pulumi (pid ${holder.pid}) that works on stack ${stack}`);
    await sleep(5000);
  }
}

interface Lock {
  readonly pid: number;
  readonly hostname: string;
}

function readLocks(config: LabConfig, stack: string): Lock[] {
  const folder = join(stateDirectory(config), ".pulumi", "locks", "organization", projectName, stack);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Lock);
}
