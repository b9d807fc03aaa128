/** Child processes of the host: programs, plugins, package managers. */
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Time that a child has after an interrupt before it is killed, in milliseconds; the official host's. */
const interruptMilliseconds = 5_000;

export interface Start {
  readonly command: string;
  readonly args: readonly string[];
  readonly directory?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly onOutput: (chunk: Buffer) => void;
  readonly onError: (chunk: Buffer) => void;
}

/** Exit code of the child; one killed by a signal has 128 and the signal's name in the error. */
export function runProcess(start: Start): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(start.command, start.args, {
      cwd: start.directory,
      env: start.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const stop = (): void => interrupt(child);
    start.signal.addEventListener("abort", stop, { once: true });
    if (start.signal.aborted) stop();
    child.stdout.on("data", start.onOutput);
    child.stderr.on("data", start.onError);
    child.once("error", (error) => reject(new Error(`cannot start ${start.command}: ${error.message}`)));
    // "close" comes after the last output, "exit" may come before it.
    child.once("close", (code, signal) => {
      start.signal.removeEventListener("abort", stop);
      if (code !== null) resolve(code);
      else reject(new Error(`${start.command} was ended by ${String(signal)}`));
    });
  });
}

function interrupt(child: ChildProcess): void {
  child.kill("SIGINT");
  const timer = setTimeout(() => child.kill("SIGKILL"), interruptMilliseconds);
  child.once("exit", () => clearTimeout(timer));
}

/** File of a module as the program's folder sees it. @throws Error that says how to install it. */
export function locateModule(name: string, directory: string): string {
  try {
    return createRequire(join(directory, "package.json")).resolve(name);
  } catch {
    throw new Error(
      `The Pulumi SDK (${name}) is not installed for ${directory}; run "npm ci" or "pulumi install" there`,
    );
  }
}
