/** What the region's cloud has run out of. Clouds look before each answer, so that it may change in the middle of a run. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { LabConfig } from "./config.js";

/** Size, or instance type, to the regions or zones that do not have it. */
const places = z.record(z.string(), z.array(z.string()).readonly()).readonly().optional();

const schema = z.strictObject({
  /** Not on offer: the cloud says so when it is asked. */
  withdrawn: places,
  /** On offer, and sold out for now. AWS only. */
  soldOut: places,
  /** Droplets that the account may have. DigitalOcean only. */
  droplets: z.int().min(0).optional(),
  /** Virtual CPUs that the account's instances may have. AWS only. */
  vcpus: z.int().min(0).optional(),
});

export type Scarcity = z.infer<typeof schema>;

export const scarcityFile = (config: Pick<LabConfig, "directory">): string => join(config.directory, "scarcity.json");

/** @throws Error naming the file, when it is not of the form. @returns nothing is scarce, where there is no file. */
export function scarcity(config: Pick<LabConfig, "directory">): Scarcity {
  const file = scarcityFile(config);
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

export function setScarcity(config: Pick<LabConfig, "directory">, wanted: Scarcity): void {
  mkdirSync(config.directory, { recursive: true, mode: 0o700 });
  writeFileSync(scarcityFile(config), `${JSON.stringify(wanted)}\n`);
}
