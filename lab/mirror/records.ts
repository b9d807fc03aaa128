/** What the mirror holds and what it was made of, so that a later run makes only what has changed. */
import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { LabConfig } from "../config.js";
import { partOf, toolPath } from "../toolchain/index.js";

export interface ReleaseRecord {
  /** Changes when the file must be made anew. */
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

/** The records of earlier runs; none when there was no run or the file is damaged (everything is then made anew). */
export function readRecords(config: LabConfig): Records {
  try {
    const value = JSON.parse(readFileSync(recordsFile(config), "utf8")) as Partial<Records>;
    return { releases: value.releases ?? {}, images: value.images ?? {} };
  } catch {
    return { releases: {}, images: {} };
  }
}

export function writeRecords(config: LabConfig, records: Records): void {
  writeWhole(recordsFile(config), `${JSON.stringify(records, undefined, 2)}\n`);
}

/** Writes a file so that nobody ever sees half of it. */
export function writeWhole(path: string, text: string): void {
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}`);
  writeFileSync(partial, text);
  renameSync(partial, path);
}

/** Names the content of tools without reading them: their folder's name and its note of where they came from. */
export function toolInputs(config: LabConfig, tools: readonly string[]): string[] {
  return [...new Set(tools.map((tool) => dirname(toolPath(config, tool))))]
    .map((folder) => `${basename(folder)} ${readFileSync(join(folder, "origins.json"), "utf8")}`)
    .concat(tools.map((tool) => `${partOf(tool).name}/${tool}`));
}

/** Hash of a description. */
export const hashOf = (...parts: readonly unknown[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
