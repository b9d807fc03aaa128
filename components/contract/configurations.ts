/** What machines of a role run, as the program shows it to the engine and the provider brings it to machines. Nothing in it is secret. */
import { z } from "zod";

/** Hexadecimal digits of a configuration's digest: the first of a SHA-256. */
export const digestDigits = 16;

const path = z.string().startsWith("/", "must be an absolute path");

export const configurationShape = {
  /** First digits of a SHA-256 over all files and links. The machine has it as the name of a directory. */
  digest: z.string().regex(new RegExp(`^[0-9a-f]{${digestDigits}}$`), `must be ${digestDigits} hexadecimal digits`),
  /** Of programs whose change has rules of its own, such as `kubelet`: their versions. */
  versions: z.record(z.string(), z.string()).default({}),
  /** By path on the machine: permissions in octal, such as `644`, and text. */
  files: z.record(
    path,
    z.object({ mode: z.string().regex(/^[0-7]{3}$/, "must be three octal digits"), contents: z.string() }),
  ),
  /** By path on the machine: where it leads. */
  links: z.record(path, path),
};

export const configuration = z.object(configurationShape);

/** One role's configuration of machines. */
export type Configuration = z.infer<typeof configuration>;
