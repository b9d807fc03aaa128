/** What every setting has: schema, default, meaning. */
import type { z } from "zod";

export interface Option<S extends z.ZodType = z.ZodType, Passed extends boolean = boolean> {
  readonly schema: S;
  /** Empty where the stack must set it, or where the cloud decides. */
  readonly default: z.input<S>;
  /** Meaning, unit, and what an empty value means. */
  readonly description: string;
  /** What a change does to a cluster that runs, in the words of the reference. Not set: each setting inside says it. */
  readonly effect?: string | undefined;
  /** The value is part of the cluster's description as it is, under the same name in camelCase. */
  readonly passed: Passed;
}

/** A setting from which parts of the description are computed. */
export function option<S extends z.ZodType>(
  schema: S,
  byDefault: z.input<S>,
  description: string,
  effect?: string,
): Option<S, false> {
  return { schema, default: byDefault, description, effect, passed: false };
}

/** A setting that is part of the description as it is: `log_level` is `logLevel` there, without another line of code. */
export function passed<S extends z.ZodType>(
  schema: S,
  byDefault: z.input<S>,
  description: string,
  effect?: string,
): Option<S, true> {
  return { schema, default: byDefault, description, effect, passed: true };
}
