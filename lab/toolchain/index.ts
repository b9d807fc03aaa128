/**
 * The lab's tools: Kubernetes, etcd, containerd, Pulumi and so on, in pinned versions. Official files where their places
 * can be reached and their checksums are pinned; otherwise the same versions built from their Go modules.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  readlinkSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { type LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import { buildTools } from "./build.js";
import { DownloadUnavailable, Downloads } from "./download.js";
import { builtTools, partOf, toolchainParts, type OfficialFile, type Part } from "./parts.js";
import { run } from "./run.js";
import { ensureFolder, partFolder } from "./store.js";

export { ensurePackages, debianPackages, proxyPackages, testPackages } from "./packages.js";
export { builtTools, cniPluginNames, partOf, toolchainParts } from "./parts.js";

/** Parts built at once: the second one computes while the first links, which Go does on one core. */
const defaultLanes = 2;

/** Every tool there is. */
export const allTools = (): string[] => toolchainParts().flatMap(builtTools);

export interface ToolOptions {
  /** Where official files are taken from. @default where their projects publish them */
  readonly downloads?: Downloads;
  /** What can be asked for. @default `toolchainParts()` */
  readonly parts?: readonly Part[];
  /** How many parts are built at once. @default 2 */
  readonly lanes?: number;
}

/**
 * Makes the named tools available at `toolPath`: from the cache, by download, or by building.
 * Tools of one module come together: asking for `kubectl` brings all of Kubernetes.
 * @param names Tools; see `allTools` for the allowed ones.
 * @throws Error that says what is missing and what to do; `progress.signal.reason` when interrupted.
 */
export async function ensureTools(
  config: LabConfig,
  names: readonly string[],
  progress: Progress,
  options: ToolOptions = {},
): Promise<void> {
  const { downloads = new Downloads(), parts = toolchainParts(), lanes = defaultLanes } = options;
  const wanted = new Set(names.map((name) => partOf(name, parts)).map(({ name }) => name));
  const missing = parts.filter((part) => wanted.has(part.name) && !existsSync(partFolder(config, part)));
  if (missing.length === 0) return;
  const seconds = missing.reduce((sum, part) => sum + part.seconds, 0);
  progress.report(
    `tools: ${missing.map(({ name, version }) => `${name} ${version}`).join(", ")} to be fetched or built; up to ${Math.ceil(seconds / 60)} min if nothing is cached`,
  );

  let done = 0;
  // One failure stops the other lane too: its result is worth nothing without the failed one.
  const stop = new AbortController();
  const signal = progress.signal ? AbortSignal.any([progress.signal, stop.signal]) : stop.signal;
  const inner: Progress = { report: (line) => progress.report(line), signal };
  // What runs longest goes first, so that a lane is not left alone with it at the end.
  const queue = [...missing].sort((a, b) => b.seconds - a.seconds);
  const work = async (): Promise<void> => {
    for (let part = queue.shift(); part; part = queue.shift()) {
      const position = `part ${missing.length - queue.length} of ${missing.length}`;
      try {
        await ensurePart(config, part, inner, downloads, position);
      } catch (error) {
        stop.abort(error);
        throw error;
      }
      done += 1;
      progress.report(`${part.name} ${part.version}: ready (${done} of ${missing.length})`);
    }
  };
  const results = await Promise.allSettled(Array.from({ length: lanes }, work));
  progress.signal?.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  const failed = results.find((result) => result.status === "rejected");
  if (failed) throw failed.reason;
}

/**
 * Path of a tool in the cache; it exists once `ensureTools` was called with its name.
 * @throws Error when there is no such tool.
 */
export const toolPath = (config: Pick<LabConfig, "cache">, name: string): string =>
  join(partFolder(config, partOf(name)), name);

/** Folder, beside a part's tools, of the official files that they were taken from. */
const officialFolder = "official";

/** Path of an official file in the cache; undefined when the tools in it were built. */
export function officialFile(config: Pick<LabConfig, "cache">, tool: string, url: string): string | undefined {
  const path = join(partFolder(config, partOf(tool)), officialFolder, basename(new URL(url).pathname));
  return existsSync(path) ? path : undefined;
}

async function ensurePart(
  config: LabConfig,
  part: Part,
  progress: Progress,
  downloads: Downloads,
  position: string,
): Promise<void> {
  await ensureFolder(partFolder(config, part), progress, async (folder) => {
    const origins: Record<string, string> = {};
    for (const file of part.official) {
      const found = await takeOfficial(part, file, folder, progress, downloads);
      for (const tool of found) origins[tool] = file.url;
    }
    const tools = builtTools(part).filter((tool) => !(tool in origins));
    const start = Date.now();
    if (tools.length > 0) await buildTools(part, tools, folder, progress, position);
    for (const tool of tools) origins[tool] = `built from Go modules in ${Math.round((Date.now() - start) / 1000)} s`;
    writeFileSync(join(folder, "origins.json"), `${JSON.stringify(origins, undefined, 2)}\n`);
  });
}

/** Takes tools out of an official file; returns the ones it had, none when it cannot be reached. */
async function takeOfficial(
  part: Part,
  file: OfficialFile,
  folder: string,
  progress: Progress,
  downloads: Downloads,
): Promise<string[]> {
  const archive = `${folder}.download`;
  try {
    await downloads.fetch(file, archive, progress);
    const entries = Object.entries(file.tools);
    if (entries.some(([, path]) => path === "")) {
      for (const [tool] of entries) copyFileSync(archive, join(folder, tool));
    } else {
      const unpacked = `${folder}.unpacked`;
      mkdirSync(unpacked, { recursive: true });
      try {
        await run("tar", ["--extract", "--gzip", `--file=${archive}`, `--directory=${unpacked}`, "--no-same-owner"], {
          signal: progress.signal,
        });
        for (const [tool, path] of entries) copyFileSync(join(unpacked, path), join(folder, tool));
      } finally {
        rmSync(unpacked, { recursive: true, force: true });
      }
    }
    for (const [tool] of entries) chmodSync(join(folder, tool), 0o755);
    // The file itself stays too: the mirror serves it as it is.
    mkdirSync(join(folder, officialFolder), { recursive: true });
    renameSync(archive, join(folder, officialFolder, basename(new URL(file.url).pathname)));
    progress.report(`${part.name}: official file ${file.url} taken, checksum verified`);
    return entries.map(([tool]) => tool);
  } catch (error) {
    if (!(error instanceof DownloadUnavailable)) throw error;
    progress.report(`${part.name}: no official file (${error.message}); building it instead`);
    return [];
  } finally {
    rmSync(archive, { force: true });
  }
}

/** Tools that people and the Pulumi program start by name. */
const userTools = ["pulumi", "kubectl", "etcdctl"] as const;

/** Folder for the PATH with `pulumi`, `kubectl` and `etcdctl`. Call after `ensureTools`. Links are renewed at every call. */
export function binDirectory(config: LabConfig): string {
  const directory = join(config.cache, "bin");
  mkdirSync(directory, { recursive: true });
  for (const tool of userTools) {
    const path = toolPath(config, tool);
    if (existsSync(path)) link(path, join(directory, tool));
  }
  return directory;
}

/** Makes or changes a link in one step: somebody may be starting the program at this moment. */
function link(target: string, path: string): void {
  try {
    if (readlinkSync(path) === target) return;
  } catch {
    // Not there yet, or no link.
  }
  const fresh = `${path}.${process.pid}`;
  rmSync(fresh, { force: true });
  symlinkSync(target, fresh);
  renameSync(fresh, path);
}
