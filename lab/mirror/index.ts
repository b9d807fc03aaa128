/**
 * The lab's mirror: the release files and images that machines fetch, under the layouts of the originals, so that a
 * cluster uses the product's own mirror settings.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { regionCloud } from "../kind.js";
import type { Progress } from "../progress.js";
import { ensureTools } from "../toolchain/index.js";
import { withLock } from "../toolchain/lock.js";
import { startFileServer } from "./files.js";
import { ensureImages, imageTools, images, imagesOf, type Image } from "./images.js";
import { filesDirectory, mirrorDirectory, readRecords, writeRecords, writeWhole } from "./records.js";
import { startRegistry } from "./registry.js";
import { ensureRelease, releases } from "./releases.js";

/** Tools that the mirror's content is made of, and that serve it. */
export const mirrorTools = (wanted: readonly Image[] = images()): string[] => [
  ...new Set([...releases().flatMap(({ tools }) => tools), ...imageTools(wanted), "registry", "push-images"]),
];

/** Name of the file in the region's folder that tells the checksums of what the mirror serves. */
export const checksumsFile = "checksums.json";

/** Checksums of what the mirror serves; they differ from the originals' where a tool was built here. */
export interface Checksums {
  /** Original's address -> SHA-256, hexadecimal. */
  readonly releases: Readonly<Record<string, string>>;
  /** Original's name with tag -> digest of the manifest, "sha256:...". */
  readonly images: Readonly<Record<string, string>>;
}

/**
 * Makes what is missing in the mirror and writes `<config.directory>/checksums.json`. Tools are fetched or built first.
 * The content is kept in the cache and shared between regions.
 * @throws Error that says what failed and what to do; `progress.signal.reason` when interrupted.
 */
export async function ensureMirror(config: LabConfig, progress: Progress): Promise<Checksums> {
  const wanted = imagesOf(regionCloud(config));
  await ensureTools(config, mirrorTools(wanted), progress);
  return withLock(join(config.cache, "mirror.lock"), progress, async () => {
    mkdirSync(mirrorDirectory(config), { recursive: true });
    let records = readRecords(config);
    for (const release of releases()) {
      const record = await ensureRelease(config, release, records.releases[release.url], progress);
      records = { ...records, releases: { ...records.releases, [release.url]: record } };
      writeRecords(config, records);
    }
    records = {
      ...records,
      images: { ...records.images, ...(await ensureImages(config, records.images, progress, wanted)) },
    };
    writeRecords(config, records);

    const checksums: Checksums = {
      releases: Object.fromEntries(releases().map(({ url }) => [url, records.releases[url]!.sha256])),
      images: mapValues(records.images, ({ digest }) => digest),
    };
    mkdirSync(config.directory, { recursive: true });
    writeWhole(join(config.directory, checksumsFile), `${JSON.stringify(checksums, undefined, 2)}\n`);
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

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
