/** The file with the checksums of a mirror that serves builds of its own. Pure: the caller reads it. */
import { z } from "zod";

const schema = z.strictObject({
  /** Address of the original to SHA-256. */
  releases: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)).default({}),
  /** `name:tag` to digest. */
  images: z.record(z.string(), z.string().regex(/^sha256:[0-9a-f]{64}$/)).default({}),
});

export type Checksums = z.output<typeof schema>;

/** What such a file holds, in words. */
export const checksumsForm =
  '{"releases": {"<address>": "<64 hexadecimal digits>"}, "images": {"<name:tag>": "sha256:<64 hexadecimal digits>"}}';

/** @throws Error saying where the text is no such file. */
export function parseChecksums(text: string): Checksums {
  const result = schema.safeParse(JSON.parse(text));
  if (!result.success) {
    throw new Error(
      result.error.issues.map((issue) => `${issue.path.join(".") || "the file"}: ${issue.message}`).join("; "),
    );
  }
  return result.data;
}
