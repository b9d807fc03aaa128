/** Starts host commands and turns their failures into errors that say what was run and what it answered. */
import { spawn } from "node:child_process";

export interface RunOptions {
  /** Written to the command's standard input. */
  readonly input?: string;
  /** Killed after that many milliseconds. @default 60000 */
  readonly timeout?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandError extends Error {
  constructor(
    readonly command: readonly string[],
    readonly result: RunResult,
  ) {
    const said = (result.stderr.trim() || result.stdout.trim() || "no output").slice(-2000);
    super(`"${command.join(" ")}" ended with ${result.code}: ${said}`);
    this.name = "CommandError";
  }
}

/** Runs a command to its end; resolves with whatever exit code it gave. @throws Error when it cannot be started or takes too long. */
export function attempt(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const timeout = options.timeout ?? 60_000;
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ["pipe", "pipe", "pipe"],
      env: options.env ?? process.env,
      cwd: options.cwd,
      signal: options.signal,
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill("SIGKILL");
    }, timeout);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(
        new Error(`"${command[0]}" could not be run: ${error.message}; is it installed and on PATH?`, { cause: error }),
      );
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (timedOut)
        reject(
          new Error(
            `"${command.join(" ")}" took longer than ${timeout / 1000} s and was stopped: ${output.stderr.trim().slice(-500)}`,
          ),
        );
      else resolve({ code: code ?? (signal ? 128 : 1), ...output });
    });
    // A command that ends without reading its input is no error of ours: its exit code tells.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

/** As `attempt`, but an exit code other than 0 is an error. Resolves with standard output. @throws CommandError */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await attempt(command, options);
  if (result.code !== 0) throw new CommandError(command, result);
  return result.stdout;
}

/** The command as it runs inside a network namespace. (`ip netns exec` would remount /sys as well.) */
export const inNamespace = (namespace: string, command: readonly string[]): readonly string[] => [
  "nsenter",
  `--net=/run/netns/${namespace}`,
  "--",
  ...command,
];

/** Runs many `ip` commands in one process. `namespace` null: the namespace that this process is in. */
export async function ip(namespace: string | null, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const where = namespace === null ? [] : ["-n", namespace];
  await run(["ip", ...where, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** Sets sysctls of a network namespace; names with slashes, as under /proc/sys (an interface's name may hold dots). */
export async function setSysctls(namespace: string, values: Readonly<Record<string, string | number>>): Promise<void> {
  const script = Object.entries(values).map(([name, value]) => `echo ${value} > /proc/sys/${name}`);
  await run(inNamespace(namespace, ["sh", "-ec", script.join("\n")]));
}

/** A tail of tasks, run one after another: for what must not be done twice at the same time. */
export class Serial {
  private tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.tail.then(task, task);
    this.tail = result.catch(() => undefined);
    return result;
  }
}
