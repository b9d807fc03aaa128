/** Counts and pauses computed from the operations of a client. */

export interface Operation {
  readonly kind: "write" | "read";
  /** Milliseconds since the epoch. */
  readonly began: number;
  readonly ended: number;
  /** Name of the object. */
  readonly key: string;
  /** `stale`: a read that did not return what was acknowledged before it began. */
  readonly outcome: "ok" | "stale" | "failed";
  /** Why it failed, or what the stale read returned. */
  readonly error?: string;
}

/** A period without a success. */
interface Pause {
  readonly from: number;
  /** Milliseconds. */
  readonly length: number;
}

interface KindFigures {
  readonly succeeded: number;
  readonly failed: number;
  readonly longest: Pause;
  /** Errors with their counts. */
  readonly errors: Readonly<Record<string, number>>;
}

export interface Figures {
  readonly write: KindFigures;
  readonly read: KindFigures & { readonly stale: number };
}

/**
 * The longest time between two consecutive successes that overlaps the window. The window's ends count as successes only when
 * there is none beyond them, so that a pause across an end is not cut short.
 * @param successes ascending.
 */
export function longestPause(successes: readonly number[], from: number, to: number): Pause {
  const before = successes.filter((time) => time < from).at(-1) ?? from;
  const after = successes.find((time) => time > to) ?? to;
  const times = [before, ...successes.filter((time) => time >= from && time <= to), after];
  let longest: Pause = { from, length: 0 };
  for (const [index, time] of times.entries()) {
    const length = (times[index + 1] ?? time) - time;
    if (length > longest.length) longest = { from: time, length };
  }
  return longest;
}

/** Figures of the operations that ended within the window. */
export function figures(operations: readonly Operation[], from: number, to: number): Figures {
  const ofKind = (kind: Operation["kind"]): KindFigures => {
    const all = operations.filter((operation) => operation.kind === kind);
    const inside = all.filter((operation) => operation.ended >= from && operation.ended <= to);
    const errors: Record<string, number> = {};
    for (const { outcome, error } of inside)
      if (outcome !== "ok") errors[error ?? outcome] = (errors[error ?? outcome] ?? 0) + 1;
    return {
      succeeded: inside.filter((operation) => operation.outcome === "ok").length,
      failed: inside.filter((operation) => operation.outcome === "failed").length,
      longest: longestPause(
        all.filter((operation) => operation.outcome === "ok").map((operation) => operation.ended),
        from,
        to,
      ),
      errors,
    };
  };
  const stale = operations.filter(
    (operation) => operation.outcome === "stale" && operation.ended >= from && operation.ended <= to,
  ).length;
  return { write: ofKind("write"), read: { ...ofKind("read"), stale } };
}

/** `3.2 s` */
export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/** One line: counts, longest pauses and errors. */
export function figuresLine({ write, read }: Figures): string {
  const errors = new Map<string, number>();
  for (const [error, count] of [...Object.entries(write.errors), ...Object.entries(read.errors)])
    errors.set(error, (errors.get(error) ?? 0) + count);
  const wrong = [...errors].map(([error, count]) => `${count}x ${error}`).join(", ");
  return [
    `${write.succeeded} writes, longest pause ${seconds(write.longest.length)}`,
    `${read.succeeded} reads, longest pause ${seconds(read.longest.length)}`,
    `${read.stale} stale reads`,
    wrong === "" ? "no error" : `errors: ${wrong}`,
  ].join("; ");
}
