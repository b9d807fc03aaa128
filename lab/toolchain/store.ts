/** The cache of tools: one folder per part, named by what decides its content, with a note of each tool's origin. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { writeAtomically } from "../process/files.js";
import type { Progress } from "../progress.js";
import { buildFlags, modulesDirectory } from "./build.js";
import { withLock } from "./lock.js";
import type { Part } from "./part.js";
import { versions } from "./versions.js";

/** Folder of a part's tools; its name changes with everything that decides their content. */
export function partFolder(config: Pick<LabConfig, "cache">, part: Part, directory: string = modulesDirectory): string {
  const hash = createHash("sha256");
  const sources = join(directory, part.folder);
  const files = readdirSync(sources, { encoding: "utf8", recursive: true }).filter((name) =>
    statSync(join(sources, name)).isFile(),
  );
  for (const file of files.sort()) hash.update(`${file}\0`).update(readFileSync(join(sources, file)));
  const { cgo, packages, official, exchanged } = part;
  const decided: unknown[] = [versions.toolchain.go, cgo, packages, buildFlags(part), official];
  if (exchanged !== undefined) decided.push(exchanged);
  hash.update(JSON.stringify(decided));
  return join(config.cache, "tools", `${part.name}-${part.version}-${hash.digest("hex").slice(0, 12)}`);
}

const originsFile = (folder: string): string => join(folder, "tools.json");

/** Where each tool of a part's folder came from; a tool without an origin is not there. */
export function toolOrigins(folder: string): Readonly<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(originsFile(folder), "utf8")) as Record<string, string>;
  } catch {
    return {};
  }
}

/** Takes finished tools out of `staging` into their part's folder. A tool counts from the moment its origin is noted. */
export function keepTools(folder: string, staging: string, tools: readonly string[], origin: string): void {
  mkdirSync(folder, { recursive: true });
  for (const tool of tools) renameSync(join(staging, tool), join(folder, tool));
  const noted = { ...toolOrigins(folder), ...Object.fromEntries(tools.map((tool) => [tool, origin])) };
  writeAtomically(originsFile(folder), `${JSON.stringify(noted, undefined, 2)}\n`);
}

/** Runs `fill` with an empty folder beside `folder`, on the same file system, that is removed afterwards. */
export async function withStaging(folder: string, fill: (staging: string) => Promise<void>): Promise<void> {
  const staging = `${folder}.partial`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  try {
    await fill(staging);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/**
 * Makes `folder` with `fill`, unless it exists. `fill` writes to a folder beside it that is renamed when it is complete,
 * so a failed or interrupted run leaves nothing that looks like a result. Of two runs the second one waits.
 */
export async function ensureFolder(
  folder: string,
  progress: Progress,
  fill: (partial: string) => Promise<void>,
): Promise<void> {
  if (existsSync(folder)) return;
  await withLock(`${folder}.lock`, progress, async () => {
    if (existsSync(folder)) return;
    await withStaging(folder, async (staging) => {
      await fill(staging);
      progress.signal?.throwIfAborted();
      renameSync(staging, folder);
    });
  });
}
