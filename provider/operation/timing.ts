/** Time limits, and waits that an interruption ends at once. */
import { setTimeout as delay } from "node:timers/promises";

/** A time limit that begins now. */
export class Deadline {
  readonly #start = performance.now();

  constructor(readonly seconds: number) {}

  /** Whole seconds since the start. */
  get elapsed(): number {
    return Math.floor((performance.now() - this.#start) / 1000);
  }

  /** Milliseconds left; 0 once it has passed. */
  get left(): number {
    return Math.max(0, this.seconds * 1000 - (performance.now() - this.#start));
  }

  get passed(): boolean {
    return this.left === 0;
  }
}

/** Waits, but not beyond the deadline. @throws the signal's reason when aborted. */
export async function pause(milliseconds: number, signal: AbortSignal, deadline?: Deadline): Promise<void> {
  signal.throwIfAborted();
  try {
    await delay(Math.min(milliseconds, deadline?.left ?? Infinity), undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}
