/** What the mirror holds and what that was made from, so that a later run makes only what has changed. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { LabConfig } from "../config.js";
import { writeAtomically } from "../process/files.js";
import { toolPath } from "../toolchain/index.js";
import { toolOrigins } from "../toolchain/store.js";
import type { Versions } from "../toolchain/versions.js";

export interface ReleaseRecord {
  /** Changes when the file must be made again. */
  readonly inputs: string;
  readonly sha256: string;
}

export interface ImageRecord {
  readonly inputs: string;
  /** Digest of the image's manifest: "sha256:...". */
  readonly digest: string;
}

export interface Records {
  /** By the original's address. */
  readonly releases: Readonly<Record<string, ReleaseRecord>>;
  /** By the original's name, with tag. */
  readonly images: Readonly<Record<string, ImageRecord>>;
}

const recordsFile = (config: LabConfig): string => join(mirrorDirectory(config), "records.json");

/** Folder of everything that the mirror serves. */
export const mirrorDirectory = (config: Pick<LabConfig, "cache">): string => join(config.cache, "mirror");

/** Release files: `<host of the original>/<path of the original>`. */
export const filesDirectory = (config: Pick<LabConfig, "cache">): string => join(mirrorDirectory(config), "files");

/** Storage of the registry. */
export const registryDirectory = (config: Pick<LabConfig, "cache">): string =>
  join(mirrorDirectory(config), "registry");

/** The records of earlier runs; none when there was no run or the file is damaged: everything is then made again. */
export function readRecords(config: LabConfig): Records {
  try {
    const value = JSON.parse(readFileSync(recordsFile(config), "utf8")) as Partial<Records>;
    return { releases: value.releases ?? {}, images: value.images ?? {} };
  } catch {
    return { releases: {}, images: {} };
  }
}

export function writeRecords(config: LabConfig, records: Records): void {
  writeAtomically(recordsFile(config), `${JSON.stringify(records, undefined, 2)}\n`);
}

/** Identifies the content of tools without reading them: by the names of their folders and their origins. */
export const toolInputs = (config: LabConfig, from: Versions, tools: readonly string[]): string[] =>
  tools.map((tool) => {
    const folder = dirname(toolPath(config, tool, from));
    return `${basename(folder)}/${tool} ${toolOrigins(folder)[tool] ?? "missing"}`;
  });

/** Hash of a description. */
export const hashOf = (...parts: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
