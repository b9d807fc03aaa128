/** When the region's cloud gives an address that has become free to another machine. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "./config.js";

/**
 * `later`: only when all others have been used, as clouds usually do. `at-once`: to the next machine that asks, which clouds may do
 * too: a replaced machine finds itself under its old address, or a stranger under that of a machine that is gone.
 */
const addressModes = ["later", "at-once"] as const;
export type AddressMode = (typeof addressModes)[number];

/** Holds the mode. The cloud reads it with each address that it gives out. */
export const addressModeFile = (config: Pick<LabConfig, "directory">): string => join(config.directory, "addresses");

/** The region's mode. @default "later" */
export function addressMode(config: Pick<LabConfig, "directory">): AddressMode {
  const file = addressModeFile(config);
  const text = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  return addressModes.find((mode) => mode === text) ?? "later";
}

/**
 * The mode that COREKUBE_LAB_ADDRESSES asks for; unset: as the region has it.
 * @throws Error when it is anything else.
 */
export function wantedAddressMode(
  config: Pick<LabConfig, "directory">,
  env: NodeJS.ProcessEnv = process.env,
): AddressMode {
  const text = env["COREKUBE_LAB_ADDRESSES"] ?? "";
  if (text === "") return addressMode(config);
  const mode = addressModes.find((each) => each === text);
  if (!mode)
    throw new Error(
      `COREKUBE_LAB_ADDRESSES: got "${text}", allowed are ${addressModes.join(" and ")}; unset it to leave the region as it is`,
    );
  return mode;
}

export function setAddressMode(config: Pick<LabConfig, "directory">, mode: AddressMode): void {
  mkdirSync(config.directory, { recursive: true, mode: 0o700 });
  writeFileSync(addressModeFile(config), `${mode}\n`);
}
