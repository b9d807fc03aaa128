/** How long-running lab code reports progress; the commands show it as a tree. */
export interface Progress {
  /** One line about what is happening now; called at least every 10 s while something runs. */
  report(line: string): void;
  /** Aborted when the user interrupts: children must be stopped and half-done results removed. */
  readonly signal?: AbortSignal;
}

/** Prints each line with the time since the start; for scripts and machines without a terminal. */
export function plainProgress(prefix = "", signal?: AbortSignal): Progress {
  const start = Date.now();
  return {
    signal,
    report: (line) =>
      process.stderr.write(`${prefix}[${((Date.now() - start) / 1000).toFixed(0).padStart(4)} s] ${line}\n`),
  };
}
