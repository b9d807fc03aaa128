/** Child processes that end with us: run, watched for output, and stopped as a group when the user interrupts. */
import { spawn } from "node:child_process";

export interface RunOptions {
  readonly cwd?: string;
  /** Whole environment of the child. Default: ours. */
  readonly env?: NodeJS.ProcessEnv;
  /** Text for the child's standard input. Default: none. */
  readonly input?: string;
  /** Aborted: the child and its children get SIGTERM, and SIGKILL 5 s later. */
  readonly signal?: AbortSignal | undefined;
  /** Called with every line of standard output and standard error. */
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** How many of the last lines of a failed command its error repeats. */
const repeatedLines = 15;
/** How long a child may take to end after SIGTERM, milliseconds. */
const patience = 5_000;

/**
 * Runs a command to its end.
 * @throws Error with the last lines of its output when it cannot be started or ends with another code than 0;
 *   `signal.reason` when it was interrupted.
 */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { signal } = options;
  signal?.throwIfAborted();
  // In a group of its own a child can be stopped with all its children; without a signal nobody would stop it, so it
  // stays in our group, where the terminal's Ctrl-C reaches it.
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    detached: signal !== undefined,
    stdio: "pipe",
  });
  const collected = { stdout: collector(options.onLine), stderr: collector(options.onLine) };
  child.stdout.setEncoding("utf8").on("data", collected.stdout.take);
  child.stderr.setEncoding("utf8").on("data", collected.stderr.take);
  child.stdin.on("error", () => undefined); // A child that ends without reading is judged by its exit code.
  child.stdin.end(options.input ?? "");

  let insist: NodeJS.Timeout | undefined;
  const stop = (): void => {
    killGroup(child.pid, "SIGTERM");
    insist = setTimeout(() => killGroup(child.pid, "SIGKILL"), patience);
  };
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const ending = await new Promise<string | undefined>((resolve, reject) => {
      child.on("error", (error) =>
        reject(new Error(`${command}: cannot be started: ${error.message}`, { cause: error })),
      );
      child.on("close", (code, killedBy) =>
        resolve(code === 0 ? undefined : killedBy ? `was ended by ${killedBy}` : `ended with code ${code}`),
      );
    });
    signal?.throwIfAborted();
    if (ending !== undefined) {
      const lines = `${collected.stdout.text()}\n${collected.stderr.text()}`
        .split("\n")
        .filter((line) => line.trim() !== "");
      throw new Error(
        `${command} ${args.join(" ")} ${ending}; its last lines:\n  ${lines.slice(-repeatedLines).join("\n  ")}`,
      );
    }
    return { stdout: collected.stdout.text(), stderr: collected.stderr.text() };
  } finally {
    signal?.removeEventListener("abort", stop);
    clearTimeout(insist);
  }
}

/** Sends a signal to a process group led by `pid`; one that has ended already is fine. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone.
  }
}

function collector(onLine?: (line: string) => void): { take: (chunk: string) => void; text: () => string } {
  let text = "";
  let rest = "";
  return {
    take(chunk) {
      text += chunk;
      if (!onLine) return;
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(onLine);
    },
    text: () => text,
  };
}
