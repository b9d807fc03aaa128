/** The cache of tools: one folder per part, named by what went into it, complete or not there at all. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import { buildFlags, modulesDirectory } from "./build.js";
import { withLock } from "./lock.js";
import type { Part } from "./parts.js";
import { versions } from "./versions.js";

/** Folder of a part's tools; its name changes with everything that decides what is in it. */
export function partFolder(config: Pick<LabConfig, "cache">, part: Part): string {
  const hash = createHash("sha256");
  const sources = join(modulesDirectory, part.name);
  for (const file of readdirSync(sources).sort()) hash.update(`${file}\0`).update(readFileSync(join(sources, file)));
  hash.update(JSON.stringify([versions.toolchain.go, part.cgo, part.packages, buildFlags(part), part.official]));
  return join(config.cache, "tools", `${part.name}-${part.version}-${hash.digest("hex").slice(0, 12)}`);
}

/**
 * Makes `folder` with `fill`, unless it is there already. `fill` writes to a folder beside it that takes the name when
 * it is complete: an interrupted or failed run leaves nothing behind that a later one could mistake for the result.
 * Two runs do not fill the same folder at once: the second waits and then finds it.
 */
export async function ensureFolder(
  folder: string,
  progress: Progress,
  fill: (partial: string) => Promise<void>,
): Promise<void> {
  if (existsSync(folder)) return;
  await withLock(`${folder}.lock`, progress, async () => {
    if (existsSync(folder)) return;
    const partial = `${folder}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    try {
      await fill(partial);
      progress.signal?.throwIfAborted();
      renameSync(partial, folder);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  });
}
