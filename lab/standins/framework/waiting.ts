/** Waits for the cloud, tells what for, and ends with the deadline or the run. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "./kind.js";

/** Time between two looks, in milliseconds: short at first, since labs are quick. */
const shortest = 300;
const longest = 5_000;
const statusEveryMilliseconds = 5_000;

export class Deadline {
  private readonly end: number;

  /** @param seconds Used when the program sets no customTimeouts. */
  constructor(
    readonly operation: Operation,
    seconds: number,
  ) {
    this.seconds = operation.timeout ?? seconds;
    this.end = Date.now() + this.seconds * 1000;
  }

  readonly seconds: number;

  /**
   * Looks until `look` gives something.
   * @param what For the user, such as `droplet 17 to be active`.
   * @param look Gives undefined to wait on, with the state so far in `seen`.
   * @throws Error when the time is over.
   */
  async until<T>(what: string, look: (seen: (state: string) => void) => Promise<T | undefined>): Promise<T> {
    try {
      return await this.look(what, look);
    } catch (error) {
      if (!this.operation.signal.aborted) throw error;
      throw new Error(`interrupted while waiting for ${what}; the next "pulumi up" goes on from here`, {
        cause: error,
      });
    }
  }

  private async look<T>(what: string, look: (seen: (state: string) => void) => Promise<T | undefined>): Promise<T> {
    let state = "";
    let told = Date.now();
    for (let pause = shortest; ; pause = Math.min(pause * 1.5, longest)) {
      const found = await look((seen) => (state = seen));
      if (found !== undefined) return found;
      if (Date.now() + pause > this.end) {
        throw new Error(
          `waited ${this.seconds} s for ${what}${state === "" ? "" : `; it is "${state}"`}; raise customTimeouts if the cloud only needs longer`,
        );
      }
      if (Date.now() - told > statusEveryMilliseconds) {
        told = Date.now();
        this.operation.log.status(`waiting for ${what}${state === "" ? "" : `: ${state}`}`);
      }
      await sleep(pause, undefined, { signal: this.operation.signal });
    }
  }
}
