/** What a machine waits for after each of its boots. The region looks when it starts a machine. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { LabConfig } from "./config.js";

const seconds = z.int().min(0).max(600).optional();

const schema = z.strictObject({
  /** Seconds until the metadata service answers the machine; until then there is no answer at all. */
  metadata: seconds,
  /** The same for the mirror's files and images. */
  mirror: seconds,
  /** Seconds until the machine sees its volumes. */
  volumes: seconds,
});

export type Lateness = z.infer<typeof schema>;

const latenessFile = (config: Pick<LabConfig, "directory">): string => join(config.directory, "lateness.json");

/** @throws Error naming the file, when it is not of the form. @returns nothing is late, where there is no file. */
export function lateness(config: Pick<LabConfig, "directory">): Lateness {
  const file = latenessFile(config);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
  const { data, error } = schema.safeParse(JSON.parse(text));
  if (data === undefined) throw new Error(`${file}: ${z.prettifyError(error)}`);
  return data;
}

export function setLateness(config: Pick<LabConfig, "directory">, wanted: Lateness): void {
  mkdirSync(config.directory, { recursive: true, mode: 0o700 });
  writeFileSync(latenessFile(config), `${JSON.stringify(wanted)}\n`);
}
