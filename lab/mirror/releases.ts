/** Release files of the mirror, under the originals' addresses: the originals, or archives of the same layout. */
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { LabConfig } from "../config.js";
import { run } from "../process/run.js";
import type { Progress } from "../progress.js";
import { fileDigest } from "../toolchain/download.js";
import { cniPluginNames, officialFile, share, toolPath } from "../toolchain/index.js";
import type { Versions } from "../toolchain/versions.js";
import { filesDirectory, hashOf, toolInputs, type ReleaseRecord } from "./records.js";

export interface Release {
  readonly url: string;
  /** Path in the archive -> tool; undefined for a file that is the tool itself. */
  readonly archive?: Readonly<Record<string, string>>;
  readonly tools: readonly string[];
}

/** The files of a release that machines download. */
export function releases(from: Versions): readonly Release[] {
  const { kubelet, kubectl, etcd, "cni-plugins": cni } = from.releases;
  const etcdTools = ["etcd", "etcdctl", "etcdutl"];
  return [
    { url: kubelet.url, tools: ["kubelet"] },
    { url: kubectl.url, tools: ["kubectl"] },
    {
      url: etcd.url,
      tools: etcdTools,
      archive: Object.fromEntries(etcdTools.map((tool) => [`etcd-v${from.etcd}-linux-amd64/${tool}`, tool])),
    },
    { url: cni.url, tools: cniPluginNames, archive: Object.fromEntries(cniPluginNames.map((tool) => [tool, tool])) },
  ];
}

/** Path of a file with this address below the mirror's folder and below the mirror's address. */
export function mirrorPath(url: string): string {
  const { host, pathname } = new URL(url);
  return join(host, pathname);
}

/** Makes a release file, unless `known` says that it exists and is made of the same tools. Needs its tools. */
export async function ensureRelease(
  config: LabConfig,
  from: Versions,
  release: Release,
  known: ReleaseRecord | undefined,
  progress: Progress,
): Promise<ReleaseRecord> {
  const target = join(filesDirectory(config), mirrorPath(release.url));
  const official = officialFile(config, release.tools[0]!, release.url, from);
  const inputs = hashOf("1", release, official !== undefined, toolInputs(config, from, release.tools));
  if (known?.inputs === inputs && existsSync(target)) return known;

  progress.report(`mirror: ${release.url}`);
  mkdirSync(dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  rmSync(partial, { force: true });
  try {
    const whole = official ?? (release.archive ? undefined : toolPath(config, release.tools[0]!, from));
    if (whole !== undefined) share(whole, partial);
    else await pack(config, from, release.archive!, partial, progress);
    const sha256 = await fileDigest(partial);
    progress.signal?.throwIfAborted();
    renameSync(partial, target);
    return { inputs, sha256 };
  } finally {
    rmSync(partial, { force: true });
  }
}

/** Packs tools; the same tools give the same bytes at any time on any machine. */
async function pack(
  config: LabConfig,
  from: Versions,
  archive: Readonly<Record<string, string>>,
  target: string,
  progress: Progress,
): Promise<void> {
  const folder = mkdtempSync(`${target}.`);
  try {
    for (const [path, tool] of Object.entries(archive)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      share(toolPath(config, tool, from), join(folder, path));
    }
    const tar = `${folder}.tar`;
    try {
      // Entry names as in the originals: etcd's begin with their folder, the CNI plugins' with "./".
      const nested = Object.keys(archive).every((path) => path.includes("/"));
      await writeTar(folder, tar, {
        signal: progress.signal,
        entries: nested ? readdirSync(folder).sort() : ["."],
        mode: "u=rwX,go=rX",
      });
      // Speed matters more than size: the file stays on this machine.
      await pipeline(createReadStream(tar), createGzip({ level: 1 }), createWriteStream(target), {
        signal: progress.signal,
      });
    } finally {
      rmSync(tar, { force: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface TarOptions {
  readonly signal?: AbortSignal | undefined;
  /** What to pack, relative to the folder. @default everything, with names that begin with "./" */
  readonly entries?: readonly string[];
  /** Modes of all entries, as chmod takes them. @default as they are */
  readonly mode?: string;
}

/** Writes the content of a folder to a tar file that depends only on names, modes and content. */
export async function writeTar(folder: string, target: string, options: TarOptions = {}): Promise<void> {
  const { signal, entries = ["."], mode } = options;
  const same = [
    "--format=gnu",
    "--sort=name",
    "--mtime=@0",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--hard-dereference",
    ...(mode ? [`--mode=${mode}`] : []),
  ];
  await run(["tar", "--create", ...same, `--file=${target}`, `--directory=${folder}`, "--", ...entries], {
    signal,
    env: { ...process.env, TAR_OPTIONS: "", LC_ALL: "C" },
  });
}
