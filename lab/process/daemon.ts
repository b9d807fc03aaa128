/** Background processes that outlive the command that starts them, and are found again by a mark file. */
import { type StdioOptions, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { tail } from "./files.js";
import { type ProcessMark, childrenOf, isAlive, markOf, readMark, signalMark, waitForEnd, writeMark } from "./marks.js";
import { until } from "./until.js";

/** Bytes after which a log is moved to `<log>.1` at the next start. */
const logLimit = 8 * 1024 * 1024;

export interface DaemonStart {
  readonly command: readonly string[];
  /** The whole environment. @default PATH and LANG only: no credentials or proxies of the user */
  readonly env?: NodeJS.ProcessEnv;
  /** @default "/" */
  readonly cwd?: string;
  /** File descriptor for standard output. @default the log */
  readonly stdout?: number;
  /** Called once the process runs, before it is expected to be ready. */
  readonly onStart?: (mark: ProcessMark) => void;
  /** Whether it serves; an error counts as no. @default ready once started */
  readonly ready?: (mark: ProcessMark) => boolean | Promise<boolean>;
  /** Milliseconds until it must be ready. @default 10000 */
  readonly timeout?: number;
  /** Milliseconds between two calls of `ready`. @default 50 */
  readonly pause?: number;
  /** Aborted: waiting ends with an error; the process is left as it is. */
  readonly signal?: AbortSignal;
}

export class Daemon {
  /**
   * @param name For messages.
   * @param markFile Written when the process runs, removed by `stop`.
   * @param log Gets standard output and standard error; readable by its owner only.
   */
  constructor(
    readonly name: string,
    readonly markFile: string,
    readonly log: string,
  ) {}

  /** The running process; undefined when there is none. */
  running(): ProcessMark | undefined {
    const mark = readMark(this.markFile);
    return isAlive(mark) ? mark : undefined;
  }

  /** Whether it ended without `stop`. */
  crashed(): boolean {
    return existsSync(this.markFile) && !this.running();
  }

  /**
   * Starts the process and waits until it is ready; one that runs already is kept, and waited for too.
   * @throws Error with the last lines of the log when it ends or is not ready in time.
   */
  async start(start: DaemonStart): Promise<ProcessMark> {
    const mark = this.running() ?? (await this.launch(start));
    const { ready, timeout = 10_000, pause = 50, signal } = start;
    const failed = (what: string): Error =>
      new Error(`${this.name}: ${what}; the end of ${this.log}:\n${tail(this.log)}`);
    let ended = false;
    try {
      await until(this.name, { timeout, pause, signal }, async () => {
        ended = !isAlive(mark);
        return ended || ((await ready?.(mark)) ?? true);
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw failed(`not ready after ${timeout / 1000} s (${(error as Error).message})`);
    }
    if (ended) throw failed("ended while it started");
    return mark;
  }

  private async launch(start: DaemonStart): Promise<ProcessMark> {
    for (const file of [this.log, this.markFile]) mkdirSync(dirname(file), { recursive: true });
    if ((statSync(this.log, { throwIfNoEntry: false })?.size ?? 0) > logLimit) renameSync(this.log, `${this.log}.1`);
    const log = openSync(this.log, "a", 0o600);
    const stdio: StdioOptions = ["ignore", start.stdout ?? log, log];
    const env = start.env ?? { PATH: process.env["PATH"], LANG: "C.UTF-8" };
    const child = spawn(start.command[0]!, start.command.slice(1), {
      detached: true,
      stdio,
      cwd: start.cwd ?? "/",
      env,
    });
    closeSync(log);
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (error) => reject(new Error(`${this.name}: cannot be started: ${error.message}`)));
    });
    child.unref();
    const mark = markOf(child.pid!);
    if (!mark) throw new Error(`${this.name}: ended at once; the end of ${this.log}:\n${tail(this.log)}`);
    start.onStart?.(mark);
    writeMark(this.markFile, mark);
    return mark;
  }

  /** Sends a signal. Returns whether the process was running. */
  signal(signal: NodeJS.Signals | number): boolean {
    return signalMark(readMark(this.markFile), signal);
  }

  /**
   * Ends the process with SIGTERM, after `patience` milliseconds with SIGKILL (its children too), and removes the mark.
   * @throws Error when it does not end.
   */
  async stop(patience = 5_000): Promise<void> {
    const mark = readMark(this.markFile);
    const children = isAlive(mark) ? childrenOf(mark.pid).map(markOf) : [];
    signalMark(mark, "SIGTERM");
    if (!(await waitForEnd(mark, patience))) {
      for (const each of [mark, ...children]) signalMark(each, "SIGKILL");
      if (!(await waitForEnd(mark, 3_000))) throw new Error(`${this.name}: process ${mark?.pid} does not end`);
    }
    rmSync(this.markFile, { force: true });
  }
}
