/** What machines were made with, as the state keeps it. */
import { z } from "zod";

const texts = z.record(z.string(), z.string());

const shape = z.object({
  /** First hexadecimal digits of a SHA-256 over all of it; the machine has it too. */
  digest: z.string(),
  /** Setting to its value, or to a digest of a long one. */
  settings: texts,
  /** File, unit or user to a digest of its content. */
  parts: texts,
});

/** One role's configuration of machines. */
export type Configuration = z.infer<typeof shape>;

export const configurationsShape = {
  /** By digest: those of this run's machines, and of machines that still run with earlier ones. */
  configurations: z.record(z.string(), shape),
};
