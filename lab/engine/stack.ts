/** The engine for the lab's stack: environment, stack, locks. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pulumiCommand, quietEngine } from "../../engine/run.js";
import type { LabConfig } from "../config.js";
import { projectDirectory } from "../config.js";
import { cloudOf } from "../clouds/index.js";
import type { Progress } from "../progress.js";
import { installPlugins } from "../standins/install.js";
import { binDirectory } from "../toolchain/index.js";
import { markOf } from "../process/marks.js";
import { run, type RunOptions } from "../process/run.js";
import { projectName, settingsFile, stackDirectory, stackName } from "./settings.js";

/** The administrator's kubeconfig; readable by its owner only. */
export function kubeconfigFile(config: LabConfig): string {
  return join(config.directory, "kubeconfig");
}

function stateDirectory(config: LabConfig): string {
  return join(config.directory, "state");
}

/** The engine's home: the lab's plugins, and the official ones of the user's own home. */
function pulumiHome(config: LabConfig): string {
  return join(config.directory, "pulumi-home");
}

/** Variables that `make env` exports and every command of the lab gets. */
export function stackEnvironment(config: LabConfig, stack = stackName(config)): Record<string, string> {
  const inherited = (process.env["PATH"] ?? "").split(delimiter);
  // `corekube` is this checkout's own, so it is not among the tools, which all checkouts share.
  const tools = [binDirectory(config), join(projectDirectory, "cli", "bin")];
  const path = inherited.filter((folder) => !tools.includes(folder));
  const direct = [config.gateway, config.publicCidr, cloudOf(config).balancerDomain ?? []].flat().join(",");
  const noProxy = process.env["NO_PROXY"] ?? process.env["no_proxy"];
  const proxied = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"].some((name) => process.env[name]);
  return {
    PATH: [...tools, ...path].join(delimiter),
    KUBECONFIG: kubeconfigFile(config),
    PULUMI_HOME: pulumiHome(config),
    PULUMI_BACKEND_URL: `file://${stateDirectory(config)}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: join(config.directory, "passphrase"),
    PULUMI_STACK: stack,
    PULUMI_OPTION_CONFIG_FILE: settingsFile(config, stack),
    ...quietEngine,
    ...cloudOf(config).environment(config),
    ...(config.name === "lab" ? {} : { COREKUBE_LAB: config.name }),
    ...(process.env["COREKUBE_LAB_DIR"] ? { COREKUBE_LAB_DIR: process.env["COREKUBE_LAB_DIR"] } : {}),
    ...(process.env["COREKUBE_CACHE"] ? { COREKUBE_CACHE: process.env["COREKUBE_CACHE"] } : {}),
    ...(proxied && !noProxy?.includes(config.publicCidr)
      ? { NO_PROXY: noProxy ? `${noProxy},${direct}` : direct }
      : {}),
  };
}

/** Variables that would override those above, even when they are empty. */
export const conflictingVariables = (config: LabConfig): readonly string[] => [
  "PULUMI_CONFIG_PASSPHRASE",
  // The lab's stack must not be created in the user's own account.
  ...cloudOf(config).conflictingVariables,
];

/** Environment of a command: the caller's without conflicting variables, and the stack's. */
export function childEnvironment(config: LabConfig, stack?: string): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...stackEnvironment(config, stack) };
  for (const name of conflictingVariables(config)) delete env[name];
  return env;
}

interface PulumiOptions extends Omit<RunOptions, "env"> {
  readonly stack?: string;
}

/** Runs `pulumi` in the project and returns its standard output. @throws CommandError when it fails. */
export function pulumi(config: LabConfig, args: readonly string[], options: PulumiOptions = {}): Promise<string> {
  return run(pulumiCommand(args), { cwd: projectDirectory, ...options, env: childEnvironment(config, options.stack) });
}

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** A stack's state; secrets stay encrypted without `--show-secrets`. */
export const exportStack = async <Deployment extends { readonly resources?: readonly StateResource[] }>(
  config: LabConfig,
  stack: string,
  ...options: readonly string[]
): Promise<{ readonly deployment: Deployment }> =>
  JSON.parse(await pulumi(config, ["stack", "export", ...options, "--stack", stack], { stack })) as {
    deployment: Deployment;
  };

/** Creates the state folder, the passphrase, the engine's plugins and the stack, unless they exist. */
export async function ensureStack(config: LabConfig, stack: string, progress: Progress): Promise<void> {
  mkdirSync(stateDirectory(config), { recursive: true, mode: 0o700 });
  mkdirSync(pulumiHome(config), { recursive: true, mode: 0o700 });
  installPlugins(pulumiHome(config), process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"));
  const passphrase = join(config.directory, "passphrase");
  if (!existsSync(passphrase)) writeFileSync(passphrase, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  if (!stackExists(config, stack)) {
    progress.report(`creating stack ${stack}`);
    // In the region's own folder: `stack init` writes the encryption salt into the settings file beside Pulumi.yaml.
    await pulumi(config, ["stack", "init", stack], { stack, cwd: stackDirectory(config) });
  }
}

/** Whether the backend has the stack. */
export function stackExists(config: LabConfig, stack: string): boolean {
  return existsSync(join(stateDirectory(config), ".pulumi", "stacks", projectName, `${stack}.json`));
}

/**
 * Waits for another run on the stack to end, and removes the lock of a run that was killed.
 * @throws Error when the other run has not ended within half an hour.
 */
export async function clearLocks(config: LabConfig, stack: string, progress: Progress): Promise<void> {
  const end = Date.now() + 30 * 60_000;
  for (;;) {
    const locks = readLocks(config, stack);
    if (locks.length === 0) return;
    const holder = locks.find((lock) => lock.hostname === hostname() && markOf(lock.pid) !== undefined);
    if (!holder) {
      progress.report(`removing the lock of a run that was killed (pid ${locks.map((lock) => lock.pid).join(", ")})`);
      await pulumi(config, ["cancel", "--yes", `organization/${projectName}/${stack}`], { stack });
      return;
    }
    if (Date.now() > end || progress.signal?.aborted) {
      throw new Error(
        `stack ${stack}: another pulumi (pid ${holder.pid}) is still running on it; wait for it, or stop it with "kill -INT ${holder.pid}"`,
      );
    }
    progress.report(`waiting for another pulumi (pid ${holder.pid}) on stack ${stack}`);
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
