/** Request bodies and queries: zod schemas in, typed values or the original's 422 out. */
import { z } from "zod";
import { notFound, unprocessable } from "./errors.js";

/**
 * Parses a body or query.
 * @throws ApiError 422 naming every offending field.
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  throw unprocessable(result.error.issues.map(problem).join("; "));
}

/** The path, unless the message names the field itself. */
function problem({ path, message }: z.core.$ZodIssue): string {
  const named =
    path.length === 0 || (path.length === 1 && (message.startsWith(String(path[0])) || /^[A-Z]/.test(message)));
  return named ? message : `${path.join(".")}: ${message}`;
}

/** A numeric id out of a path; anything else cannot name a resource, so it is 404. */
export function numericId(value: string | undefined): number {
  if (value === undefined || !/^[1-9][0-9]{0,15}$/.test(value)) throw notFound();
  return Number(value);
}

/** Tag names: letters, numbers, colons, dashes and underscores, at most 255 characters. */
export const tagName = z
  .string()
  .regex(/^[a-zA-Z0-9_\-:]+$/, "a tag may contain letters, numbers, colons, dashes, and underscores only")
  .max(255, "a tag may have at most 255 characters");

/** Tags of a new resource; the original takes null for "none". */
export const tagList = z
  .array(tagName)
  .nullish()
  .transform((tags) => [...new Set(tags ?? [])]);

/** Names of droplets: what a host name may be. */
export const dropletName = z
  .string({ error: "name is required" })
  .min(1, "Name can't be blank")
  .max(255, "Name is too long (maximum is 255 characters)")
  .regex(
    /^[a-zA-Z0-9]?[a-z0-9A-Z.-]*[a-z0-9A-Z]$/,
    "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)",
  );

/** A setting that the lab has with one value only; another one is refused, never silently dropped. */
export const only = <T extends string | number | boolean>(value: T) =>
  z
    .unknown()
    .refine((given) => [null, "", value].includes(given as T), {
      error: ({ input }) => `got ${String(input)}, which is not offered by this lab region; leave it out`,
    })
    .optional();

/** Numbers that clients send as digits or as text. */
export const integer = z.union([z.number().int(), z.string().regex(/^\d+$/).transform(Number)]);

/** Empty text means "not given": clients of the original send it for unset fields. */
export const optionalText = z
  .string()
  .nullish()
  .transform((text) => (text === "" || text === null ? undefined : text));

/** Optional text that is kept as it is; absent means empty. */
export const freeText = z
  .string()
  .nullish()
  .transform((text) => text ?? "");

export { z };
