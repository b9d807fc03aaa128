/** Polling with a deadline. */
import { setTimeout as sleep } from "node:timers/promises";
import { watchedInterrupts } from "./interrupts.js";

export interface UntilOptions {
  /** Milliseconds after which polling fails; the attempt that runs then still counts. */
  readonly timeout: number;
  /** Milliseconds between two attempts. @default 2000 */
  readonly pause?: number;
  /** Ends polling when aborted. @default the first interrupt of the user, where this process watches for it */
  readonly signal?: AbortSignal;
}

/**
 * Repeats `attempt` until it neither throws nor returns false, and returns what it returned.
 * @param what What is waited for, as the beginning of the error's message.
 * @throws Error with the last attempt's message, when the time is over or `signal` is aborted.
 */
export async function until<T>(
  what: string,
  { timeout, pause = 2_000, signal = watchedInterrupts()?.signal }: UntilOptions,
  attempt: () => T | false | Promise<T | false>,
): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    let failure: unknown;
    try {
      const result = await attempt();
      if (result !== false) return result;
    } catch (error) {
      failure = error;
    }
    if (signal?.aborted || Date.now() >= end) {
      const last = failure instanceof Error ? `; last error: ${failure.message}` : "";
      const reason = signal?.aborted ? "interrupted" : `not within ${timeout / 1000} s`;
      throw new Error(`${what}: ${reason}${last}`, { cause: failure });
    }
    await sleep(Math.min(pause, Math.max(1, end - Date.now())), undefined, { signal }).catch(() => undefined);
  }
}
