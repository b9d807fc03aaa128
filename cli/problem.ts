/** Errors that the user can fix; the message says how. */

/** Exit codes of every command. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    message: string,
    readonly code: ExitCode = exitCodes.failed,
  ) {
    super(message);
  }
}

/** A refusal as everywhere in this project: what, the value got, the values allowed, and one command that leads on. */
export interface Refusal {
  /** Option, argument or path. */
  readonly path: string;
  readonly got: string;
  readonly allowed: string;
  /** A command. */
  readonly run: string;
}

export const refuse = ({ path, got, allowed, run }: Refusal, code: ExitCode = exitCodes.failed): Problem =>
  new Problem(`${path}: got ${got}; allowed: ${allowed}. Run: ${run}`, code);

/** The command line itself is wrong. */
export const badUsage = (refusal: Refusal): Problem => refuse(refusal, exitCodes.usage);
