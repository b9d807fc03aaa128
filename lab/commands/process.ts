/** Child processes: run to the end with captured output, or followed line by line. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { watchInterrupts } from "../process/interrupts.js";

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Written to the child's standard input, which is then closed. */
  readonly input?: string;
  /** Seconds until the child is killed; default: no limit. */
  readonly timeout?: number;
  /** Called with each line of both outputs as it comes. */
  readonly onLine?: (line: string, from: "stdout" | "stderr") => void;
  /** Called with the child's id as soon as it runs. */
  readonly onStart?: (pid: number) => void;
}

export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that ended with another code than 0; the message carries the end of its output. */
export class CommandError extends Error {
  constructor(
    readonly command: string,
    readonly result: RunResult,
    reason: string,
  ) {
    const output = (result.stderr.trim() || result.stdout.trim()).split("\n").slice(-20).join("\n");
    super(`${command}: ${reason}${output ? `\n${output}` : ""}`);
    this.name = "CommandError";
  }
}

/**
 * Runs a command and returns its output, whatever its exit code.
 *
 * The child has a process group of its own, so that a Ctrl-C on the terminal reaches it once, through us: the first
 * interrupt is forwarded as SIGINT, the second kills the group.
 */
export function tryRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const interrupts = watchInterrupts();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      detached: true,
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    for (const from of ["stdout", "stderr"] as const) {
      const stream = child[from];
      if (!stream) continue;
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        output[from] += chunk;
      });
      if (options.onLine) createInterface({ input: stream }).on("line", (line) => options.onLine?.(line, from));
    }
    const ask = (): void => {
      child.kill("SIGINT");
    };
    const kill = (): void => {
      killGroup(child.pid);
    };
    interrupts.signal.addEventListener("abort", ask);
    interrupts.insisted.addEventListener("abort", kill);
    let late = false;
    const timer =
      options.timeout === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            kill();
          }, options.timeout * 1000);
    const settle = (): void => {
      clearTimeout(timer);
      interrupts.signal.removeEventListener("abort", ask);
      interrupts.insisted.removeEventListener("abort", kill);
    };
    child.on("error", (error) => {
      settle();
      reject(new Error(`${command}: could not be started: ${error.message}`));
    });
    child.on("close", (code, signal) => {
      settle();
      if (late) output.stderr += `\nstopped after ${options.timeout} s`;
      resolve({ code: late ? 124 : (code ?? (signal ? 130 : 1)), ...output });
    });
    if (child.pid !== undefined) options.onStart?.(child.pid);
    // A child that ends without reading its input is no error of ours; its exit code tells.
    child.stdin?.on("error", () => undefined);
    if (options.input !== undefined) child.stdin?.end(options.input);
  });
}

/**
 * Runs a command and returns its standard output.
 * @throws CommandError when it ends with another code than 0.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await tryRun(command, args, options);
  if (result.code !== 0) throw new CommandError(`${command} ${args.join(" ")}`, result, `exit code ${result.code}`);
  return result.stdout;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}

/** True while a process with this id exists (a zombie does not count). */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return false;
  }
}

/** Start time of a process in clock ticks since boot: with the id it names a process for good. Undefined when it is gone. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** Resolves after so many milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Repeats `attempt` until it resolves.
 * @throws Error with the last attempt's message when `seconds` have passed.
 */
export async function eventually<T>(what: string, seconds: number, attempt: () => Promise<T>, pause = 2): Promise<T> {
  const end = Date.now() + seconds * 1000;
  const { signal } = watchInterrupts();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted || Date.now() >= end) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`${what}: not within ${seconds} s; last: ${message}`);
      }
      await sleep(pause * 1000);
    }
  }
}
