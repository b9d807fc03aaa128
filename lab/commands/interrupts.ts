/**
 * Ctrl-C and its relatives, once for the whole run.
 *
 * The first signal asks: what runs is told to stop, and gets the time to leave a state that the next run can go on
 * from. The second one insists.
 */
export interface Interrupts {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Aborted by the second. */
  readonly insisted: AbortSignal;
}

/** Thrown where a run ends because the user asked for it. */
export class Interrupted extends Error {
  constructor(what: string) {
    super(`interrupted: ${what}`);
    this.name = "Interrupted";
  }
}

let current: Interrupts | undefined;

/** Installs the handlers at the first call; every later call returns the same signals. */
export function watchInterrupts(): Interrupts {
  if (current) return current;
  const first = new AbortController();
  const second = new AbortController();
  const receive = (name: NodeJS.Signals): void => {
    if (first.signal.aborted) {
      process.stderr.write(`${name} again: stopping at once\n`);
      second.abort();
    } else {
      process.stderr.write(`${name}: letting the running step end cleanly; the same signal again stops it at once\n`);
      first.abort();
    }
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, receive);
  current = { signal: first.signal, insisted: second.signal };
  return current;
}
