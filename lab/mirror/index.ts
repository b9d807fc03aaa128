/** The lab's mirror: the release files and images that machines download, for the product's own mirror settings. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { regionCloud } from "../kind.js";
import { writeAtomically } from "../process/files.js";
import type { Progress } from "../progress.js";
import { Downloads } from "../toolchain/download.js";
import { withLock } from "../toolchain/lock.js";
import { catalogueVersions, versionsOf, type Versions } from "../toolchain/versions.js";
import { startFileServer } from "./files.js";
import { images, imagesOf, imageTools, isFresh, pullImages, pushImages, type Image } from "./images.js";
import type { ImageContent } from "./push.js";
import { filesDirectory, mirrorDirectory, readRecords, writeRecords, type Records } from "./records.js";
import { startRegistry } from "./registry.js";
import { ensureRelease, releases } from "./releases.js";

/** What a run has to make for the mirror. */
export interface MirrorPlan {
  /** The release of Kubernetes that it is for. */
  readonly from: Versions;
  /** Images that the mirror does not have in their present form. */
  readonly stale: readonly Image[];
  /** Content of those that were pulled; the others are made. */
  readonly pulled: ReadonlyMap<string, ImageContent>;
  /** Tools that the release files and the images to make consist of, and the registry. */
  readonly tools: readonly string[];
}

/**
 * Pulls the images of a release that the mirror lacks, as far as possible, and returns the tools that the others need.
 * @param addons Those of the region's stack, by their blocks of settings; images of others are left out.
 */
export async function planMirror(
  config: LabConfig,
  from: Versions,
  progress: Progress,
  addons: readonly string[],
  downloads: Downloads = new Downloads(),
): Promise<MirrorPlan> {
  const { images: known } = readRecords(config);
  const wanted = imagesOf(from, regionCloud(config), addons);
  const stale = wanted.filter((image) => !isFresh(config, from, image, known[image.name]));
  const pulled = await pullImages(config, stale, downloads, progress);
  const made = stale.filter(({ name }) => !pulled.has(name));
  return {
    from,
    stale,
    pulled,
    tools: [...new Set([...releases(from).flatMap(({ tools }) => tools), ...imageTools(made), "registry"])],
  };
}

/** Name of the file in the region's folder with the checksums of what the mirror serves. */
const checksumsFile = "checksums.json";

/** Checksums of what the mirror serves; those of files and images made here differ from the originals'. */
export interface Checksums {
  /** Original's address -> SHA-256, hexadecimal. */
  readonly releases: Readonly<Record<string, string>>;
  /** Original's name with tag -> digest of the manifest, "sha256:...". */
  readonly images: Readonly<Record<string, string>>;
}

/** Releases that the mirror has in full. */
function releasesIn({ releases: known }: Records): Versions[] {
  return catalogueVersions.map(versionsOf).filter((from) => releases(from).every(({ url }) => known[url]));
}

/**
 * Makes what the mirror lacks of a release and writes `<config.directory>/checksums.json`. Needs the plan's tools.
 * The content is kept in the cache and shared between regions: one that runs serves a release that is added.
 * @throws Error that says what failed and what to do; `progress.signal.reason` when interrupted.
 */
export async function ensureMirror(config: LabConfig, plan: MirrorPlan, progress: Progress): Promise<Checksums> {
  return withLock(join(config.cache, "mirror.lock"), progress, async () => {
    mkdirSync(mirrorDirectory(config), { recursive: true });
    let records = readRecords(config);
    for (const release of releases(plan.from)) {
      const record = await ensureRelease(config, plan.from, release, records.releases[release.url], progress);
      records = { ...records, releases: { ...records.releases, [release.url]: record } };
      writeRecords(config, records);
    }
    const pushed = await pushImages(config, plan.from, plan.stale, plan.pulled, progress);
    records = { ...records, images: { ...records.images, ...pushed } };
    writeRecords(config, records);

    const all = releasesIn(records);
    const there = all.flatMap(images).filter(({ name }) => records.images[name]);
    const checksums: Checksums = {
      releases: Object.fromEntries(all.flatMap(releases).map(({ url }) => [url, records.releases[url]!.sha256])),
      images: Object.fromEntries(there.map(({ name }) => [name, records.images[name]!.digest])),
    };
    mkdirSync(config.directory, { recursive: true });
    writeAtomically(join(config.directory, checksumsFile), `${JSON.stringify(checksums, undefined, 2)}\n`);
    return checksums;
  });
}

export interface Mirror {
  stop(): Promise<void>;
}

/**
 * Serves the mirror on the addresses of `config.mirrorUrl` (release files) and `config.registryUrl` (images); to be called
 * in the region's network namespace. Logs go to `<config.directory>/logs`.
 * @throws Error when an address is taken or the registry does not come up.
 */
export async function startMirror(config: LabConfig): Promise<Mirror> {
  const logs = join(config.directory, "logs");
  mkdirSync(logs, { recursive: true });
  const [fileAddress, registryAddress] = [new URL(config.mirrorUrl), new URL(config.registryUrl)];
  const files = await startFileServer(
    filesDirectory(config),
    fileAddress.hostname,
    Number(fileAddress.port || 80),
    join(logs, "mirror-access.log"),
  );
  try {
    const registry = await startRegistry(config, {
      host: registryAddress.hostname,
      port: Number(registryAddress.port || 80),
      folder: join(config.directory, "registry"),
      log: join(logs, "registry.log"),
    });
    return {
      async stop() {
        await Promise.all([files.stop(), registry.stop()]);
      },
    };
  } catch (error) {
    await files.stop();
    throw error;
  }
}
