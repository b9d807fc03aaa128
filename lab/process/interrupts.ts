/**
 * SIGINT, SIGTERM and SIGHUP, handled once for the whole process.
 *
 * The first signal asks: running commands are interrupted and get the time to write their state, so that the next run can
 * resume. The second one kills them.
 */
export interface Interrupts {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Aborted by the second signal. */
  readonly insisted: AbortSignal;
}

/** A run that ends because the user interrupted it. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor(what: string) {
    super(`interrupted: ${what}`);
  }
}

let current: Interrupts | undefined;

/** Installs the handlers on the first call; later calls return the same signals. */
export function watchInterrupts(): Interrupts {
  if (current) return current;
  const first = new AbortController();
  const second = new AbortController();
  const receive = (name: NodeJS.Signals): void => {
    if (first.signal.aborted) {
      process.stderr.write(`${name} again: killing the running commands\n`);
      second.abort();
    } else {
      process.stderr.write(`${name}: waiting for the running step to end cleanly; repeat the signal to kill it\n`);
      first.abort();
    }
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, receive);
  current = { signal: first.signal, insisted: second.signal };
  return current;
}

/** The signals, if this process watches for them. Servers and tests do not: they keep Node's default, which is to end. */
export const watchedInterrupts = (): Interrupts | undefined => current;
