/** Waits for the cloud, says what for, and ends with the deadline or the run. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "../../../provider/rpc/kind.js";

/** Time between two looks, in milliseconds: short at first, since labs are quick. */
const shortest = 300;
const longest = 5_000;
const statusEveryMilliseconds = 5_000;

export class Deadline {
  readonly seconds: number;
  private readonly end: number;

  /** @param seconds Used when the program sets no customTimeouts. */
  constructor(
    private readonly operation: Pick<Operation<unknown>, "log" | "signal" | "timeout">,
    seconds: number,
  ) {
    this.seconds = operation.timeout ?? seconds;
    this.end = Date.now() + this.seconds * 1000;
  }

  /**
   * Looks until `look` gives something.
   * @param what For the user, such as `droplet 17 to be active`.
   * @param look Undefined to wait on, with the state so far in `seen`.
   * @throws Error when the time is over or the run is interrupted.
   */
  async until<T>(what: string, look: (seen: (state: string) => void) => Promise<T | undefined>): Promise<T> {
    const { log, signal } = this.operation;
    let state = "";
    let reported = Date.now();
    try {
      for (let pause = shortest; ; pause = Math.min(pause * 1.5, longest)) {
        const found = await look((seen) => (state = seen));
        if (found !== undefined) return found;
        const shown = state === "" ? "" : `: ${state}`;
        if (Date.now() + pause > this.end)
          throw new Error(
            `waited ${this.seconds} s for ${what}${shown}; raise customTimeouts if the cloud needs longer`,
          );
        if (Date.now() - reported > statusEveryMilliseconds) {
          reported = Date.now();
          log.status(`waiting for ${what}${shown}`);
        }
        await sleep(pause, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new Error(`interrupted while waiting for ${what}; run "pulumi up" again to resume`, { cause: error });
    }
  }

  /** Tries again while `isEarly` says of an error that it is only a matter of time. */
  async retry<T>(what: string, isEarly: (error: unknown) => boolean, work: () => Promise<T>): Promise<T> {
    const { result } = await this.until(what, async (seen) => {
      try {
        return { result: await work() };
      } catch (error) {
        if (!isEarly(error)) throw error;
        seen(error instanceof Error ? error.message : String(error));
        return undefined;
      }
    });
    return result;
  }
}
