/** The file with the checksums of a mirror that serves its own builds. Pure: the caller reads the file. */
import { z } from "zod";

const schema = z.strictObject({
  /** Address of the original to SHA-256. */
  releases: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)).default({}),
  /** `name:tag` to digest. */
  images: z.record(z.string(), z.string().regex(/^sha256:[0-9a-f]{64}$/)).default({}),
});

export type Checksums = z.output<typeof schema>;

/** Its format, for messages. */
export const checksumsForm =
  '{"releases": {"<address>": "<64 hexadecimal digits>"}, "images": {"<name:tag>": "sha256:<64 hexadecimal digits>"}}';

/** @throws Error with the path of each invalid entry. */
export function parseChecksums(text: string): Checksums {
  const result = schema.safeParse(JSON.parse(text));
  if (!result.success) {
    throw new Error(
      result.error.issues.map((issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`).join("; "),
    );
  }
  return result.data;
}
