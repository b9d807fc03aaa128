/**
 * The lab's tools: Kubernetes, etcd, containerd, Pulumi and others, in pinned versions. Official files where their hosts
 * answer and their checksums are pinned; otherwise the same versions built from their Go modules.
 */
import { chmodSync, copyFileSync, existsSync, linkSync, mkdirSync, renameSync, rmSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { LabConfig } from "../config.js";
import { linkAtomically } from "../process/files.js";
import { run } from "../process/run.js";
import type { Progress } from "../progress.js";
import { buildTools } from "./build.js";
import { DownloadFailed, Downloads } from "./download.js";
import { withLock } from "./lock.js";
import type { OfficialFile, Part } from "./part.js";
import { partOf, toolchainParts, toolsOf } from "./parts.js";
import { keepTools, partFolder, toolOrigins, withStaging } from "./store.js";
import { catalogueVersions, versions, versionsOf, type Versions } from "./versions.js";

export { ensurePackages, proxyPackages, testPackages } from "./packages.js";
export { cniPluginNames } from "./parts.js";

/** Downloads at once. */
const downloadLanes = 4;
/** Builds at once in one process: the second one compiles while the first one links, which uses one core. */
const buildLanes = 2;

/** Names of all tools. */
export const allTools = (): string[] => toolchainParts().flatMap(toolsOf);

/** All but those of add-ons that are off by default. */
export const usualTools = (): string[] =>
  toolchainParts()
    .filter(({ addon }) => addon === undefined)
    .flatMap(toolsOf);

export interface ToolOptions {
  /** Where official files come from. @default where their projects publish them */
  readonly downloads?: Downloads;
  /** All known parts. @default those of the newest release */
  readonly parts?: readonly Part[];
}

/** Requested tools of one part that are not in the cache. */
interface Missing {
  readonly part: Part;
  readonly folder: string;
  readonly tools: readonly string[];
}

/**
 * Makes the named tools available at `toolPath`: from the cache, by download, or by building.
 * @param names Tools; allowed: those of `allTools`.
 * @throws Error that says what is missing and what to do; `progress.signal.reason` when interrupted.
 */
export async function ensureTools(
  config: Pick<LabConfig, "cache">,
  names: readonly string[],
  progress: Progress,
  options: ToolOptions = {},
): Promise<void> {
  const { downloads = new Downloads(), parts = toolchainParts() } = options;
  const wanted = new Set(names);
  for (const name of wanted) partOf(name, parts);
  const missing = (): Missing[] =>
    parts
      .map((part) => {
        const folder = partFolder(config, part);
        const there = toolOrigins(folder);
        return { part, folder, tools: toolsOf(part).filter((tool) => wanted.has(tool) && !(tool in there)) };
      })
      .filter(({ tools }) => tools.length > 0);

  await inLanes(downloadLanes, missing(), progress, (item, inner) => download(item, downloads, inner));
  // The longest builds go first, so that no lane is left alone with one at the end.
  const builds = missing().sort((a, b) => b.part.seconds - a.part.seconds);
  if (builds.length === 0) return;
  const seconds = builds.reduce((sum, { part }) => sum + part.seconds, 0);
  progress.report(
    `building from source: ${builds.map(({ part }) => `${part.name} ${part.version}`).join(", ")}; up to ${Math.ceil(seconds / 60)} min if nothing is cached`,
  );
  let done = 0;
  await inLanes(buildLanes, builds, progress, async (item, inner) => {
    await build(item, inner, `part ${builds.indexOf(item) + 1} of ${builds.length}`);
    done += 1;
    progress.report(`${item.part.name} ${item.part.version}: ready (${done} of ${builds.length})`);
  });
}

/** Works on all items, `lanes` at a time and in their order. The first failure stops the others. */
async function inLanes<T>(
  lanes: number,
  items: readonly T[],
  progress: Progress,
  work: (item: T, progress: Progress) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const signal = progress.signal ? AbortSignal.any([progress.signal, stop.signal]) : stop.signal;
  const queue = [...items];
  const lane = async (): Promise<void> => {
    for (let item = queue.shift(); item; item = queue.shift()) {
      await work(item, { report: (line) => progress.report(line), signal }).catch((error: unknown) => {
        stop.abort(error);
        throw error;
      });
    }
  };
  await Promise.allSettled(Array.from({ length: lanes }, lane));
  progress.signal?.throwIfAborted();
  stop.signal.throwIfAborted();
}

/**
 * Path of a tool in the cache; it exists once `ensureTools` was called with its name.
 * @param from The release that it belongs to. @default the newest
 * @throws Error when there is no such tool.
 */
export const toolPath = (config: Pick<LabConfig, "cache">, name: string, from: Versions = versions): string =>
  join(partFolder(config, partOf(name, toolchainParts(from))), name);

/** Folder, beside a part's tools, of the official files that the mirror serves. */
const officialFolder = "official";

/** Path of an official file in the cache; undefined when the tools in it were built. */
export function officialFile(
  config: Pick<LabConfig, "cache">,
  tool: string,
  url: string,
  from: Versions,
): string | undefined {
  const path = join(dirname(toolPath(config, tool, from)), officialFolder, basename(new URL(url).pathname));
  return existsSync(path) ? path : undefined;
}

/** Takes tools from official files, as far as these can be had. */
async function download({ part, folder, tools }: Missing, downloads: Downloads, progress: Progress): Promise<void> {
  const files = part.official.filter((file) => tools.some((tool) => tool in file.tools));
  if (files.length === 0) return;
  await withLock(`${folder}.lock`, progress, () =>
    withStaging(folder, async (staging) => {
      for (const file of files) {
        const there = toolOrigins(folder);
        if (!tools.some((tool) => tool in file.tools && !(tool in there))) continue;
        try {
          const names = await unpack(file, staging, downloads, progress);
          if (file.kept) keepOfficial(file, folder, staging);
          keepTools(folder, staging, names, file.url);
          progress.report(`${part.name}: ${file.url} downloaded, checksum verified`);
        } catch (error) {
          if (!(error instanceof DownloadFailed)) throw error;
          progress.report(`${part.name}: no official file (${error.message}); building from source instead`);
        }
      }
    }),
  );
}

/** Downloads a file as `<staging>/archive` and puts its tools beside it. Returns their names. */
async function unpack(
  file: OfficialFile,
  staging: string,
  downloads: Downloads,
  progress: Progress,
): Promise<readonly string[]> {
  const archive = join(staging, "archive");
  await downloads.fetch(file, archive, progress);
  const unpacked = join(staging, "unpacked");
  const names = Object.keys(file.tools);
  for (const [tool, path] of Object.entries(file.tools)) {
    if (path === "") share(archive, join(staging, tool));
    else {
      if (!existsSync(unpacked)) {
        mkdirSync(unpacked);
        const untar = ["tar", "--extract", "--gzip", `--file=${archive}`, `--directory=${unpacked}`, "--no-same-owner"];
        await run(untar, { signal: progress.signal });
      }
      renameSync(join(unpacked, path), join(staging, tool));
    }
    chmodSync(join(staging, tool), 0o755);
  }
  rmSync(unpacked, { recursive: true, force: true });
  return names;
}

function keepOfficial(file: OfficialFile, folder: string, staging: string): void {
  mkdirSync(join(folder, officialFolder), { recursive: true });
  renameSync(join(staging, "archive"), join(folder, officialFolder, basename(new URL(file.url).pathname)));
}

/** Builds the tools that are still missing, in one call: Go then schedules compiling and linking of all of them. */
async function build({ part, folder, tools }: Missing, progress: Progress, position: string): Promise<void> {
  await withLock(`${folder}.lock`, progress, async () => {
    const there = toolOrigins(folder);
    const missing = tools.filter((tool) => !(tool in there));
    if (missing.length === 0) return;
    await withStaging(folder, async (staging) => {
      await buildTools(part, missing, staging, progress, position);
      progress.signal?.throwIfAborted();
      keepTools(folder, staging, missing, "built from Go modules");
    });
  });
}

/** Tools that users and the Pulumi program start by name. */
/** Those of an add-on are there once it was built. */
const userTools = ["pulumi", "kubectl", "etcdctl", "velero"] as const;

/**
 * Folder for the PATH with the tools that people use, and nothing else: a plugin of another checkout in it would win over
 * those of the engine's home. Call after `ensureTools`. Links are renewed at every call.
 */
export function binDirectory(config: LabConfig): string {
  const directory = join(config.cache, "bin");
  mkdirSync(directory, { recursive: true });
  // A link that is being renewed has the tool's name and a suffix.
  for (const name of readdirSync(directory))
    if (!userTools.some((tool) => name === tool || name.startsWith(`${tool}.`)))
      rmSync(join(directory, name), { force: true });
  for (const tool of userTools) {
    // Of the newest release that was made.
    const paths = catalogueVersions.map((version) => toolPath(config, tool, versionsOf(version)));
    const path = paths.findLast((candidate) => existsSync(candidate));
    if (path !== undefined) linkAtomically(path, join(directory, tool));
  }
  return directory;
}

/** The same content under another name, without a second copy where the file system allows it. */
export function share(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
