/** Runs commands to their end. A failure becomes an error that names the command and shows the end of its output. */
import { constants } from "node:os";
import { execa } from "execa";
import { watchedInterrupts } from "./interrupts.js";

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the command. @default that of this process */
  readonly env?: NodeJS.ProcessEnv;
  /** Standard input. @default none (end of file) */
  readonly input?: string;
  /** Milliseconds after which the command is killed; its exit code is then 124. @default no limit */
  readonly timeout?: number;
  /** When aborted, the command and its children get SIGTERM, and SIGKILL 5 s later. */
  readonly signal?: AbortSignal;
  /** Called with each line of standard output and standard error as it comes. */
  readonly onLine?: (line: string, from: "stdout" | "stderr") => void;
  /** Called with the process id as soon as the command runs. */
  readonly onStart?: (pid: number) => void;
}

export interface RunResult {
  /** Exit code; 128 plus the signal's number when a signal ended the command, 124 after the timeout. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that ended with a code other than 0; the message holds the last lines of its output. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  constructor(
    readonly command: readonly string[],
    readonly result: RunResult,
  ) {
    const lines = (result.stderr.trim() || result.stdout.trim() || "no output").split("\n").slice(-20);
    super(`${command.join(" ")}: exit code ${result.code}\n${lines.join("\n")}`);
  }
}

/** Milliseconds between SIGTERM and SIGKILL. */
const patience = 5_000;

/**
 * Runs a command and returns its output, whatever its exit code.
 *
 * With `signal` or `timeout`, or when this process watches for interrupts (interrupts.ts), the command gets a process group
 * of its own, which is what gets killed. A Ctrl-C on the terminal then reaches the command through us only: the first
 * interrupt sends SIGINT to the command once, the second kills the group. Otherwise the command stays in our group, and the
 * terminal interrupts it directly.
 * @throws Error when the command cannot be started; `signal.reason` when `signal` is or gets aborted.
 */
export async function tryRun(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { signal, timeout, onLine } = options;
  signal?.throwIfAborted();
  const interrupts = watchedInterrupts();
  const detached = signal !== undefined || timeout !== undefined || interrupts !== undefined;
  const lines = (from: "stdout" | "stderr") =>
    onLine && {
      preserveNewlines: true,
      *transform(line: unknown): Generator<string> {
        onLine(String(line).replace(/\n$/, ""), from);
        yield String(line);
      },
    };
  const child = execa(command[0]!, command.slice(1), {
    cwd: options.cwd,
    env: options.env ?? process.env,
    extendEnv: false,
    ...(options.input === undefined ? { stdin: "ignore" } : { input: options.input }),
    stdout: lines("stdout") ?? "pipe",
    stderr: lines("stderr") ?? "pipe",
    detached,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: Number.MAX_SAFE_INTEGER,
  });
  const send = (name: NodeJS.Signals) => sendSignal(child.pid, name, detached);
  const timers: NodeJS.Timeout[] = [];
  const after = (milliseconds: number, action: () => void) => timers.push(setTimeout(action, milliseconds));
  let late = false;
  if (timeout !== undefined)
    after(timeout, () => {
      late = true;
      send("SIGKILL");
    });
  const stop = (): void => {
    send("SIGTERM");
    after(patience, () => send("SIGKILL"));
  };
  const interrupt = (): void => sendSignal(child.pid, "SIGINT", false);
  const kill = (): void => send("SIGKILL");
  signal?.addEventListener("abort", stop, { once: true });
  if (!signal) interrupts?.signal.addEventListener("abort", interrupt, { once: true });
  interrupts?.insisted.addEventListener("abort", kill, { once: true });
  if (child.pid !== undefined) options.onStart?.(child.pid);
  try {
    const ended = await child;
    signal?.throwIfAborted();
    if (child.pid === undefined)
      throw new Error(`${command[0]}: cannot be started: ${ended.originalMessage}; is it installed and on PATH?`);
    const output = { stdout: ended.stdout ?? "", stderr: ended.stderr ?? "" };
    if (late) return { code: 124, ...output, stderr: `${output.stderr}\nkilled after ${timeout! / 1000} s` };
    return { code: ended.exitCode ?? 128 + (ended.signal ? constants.signals[ended.signal] : 0), ...output };
  } finally {
    timers.forEach(clearTimeout);
    signal?.removeEventListener("abort", stop);
    interrupts?.signal.removeEventListener("abort", interrupt);
    interrupts?.insisted.removeEventListener("abort", kill);
  }
}

/** Runs a command and returns its standard output. @throws CommandError when it ends with a code other than 0; as `tryRun`. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await tryRun(command, options);
  if (result.code !== 0) throw new CommandError(command, result);
  return result.stdout;
}

/** Sends a signal to a process, or to the group that it leads; one that has ended is ignored. */
export function sendSignal(pid: number | undefined, signal: NodeJS.Signals | number, group: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(group ? -pid : pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
