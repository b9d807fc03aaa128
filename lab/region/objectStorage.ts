/**
 * Object storage of the region, for what clusters keep outside themselves: a server of S3 on folders of this machine.
 *
 * Regions whose stack does not use it have none. Its objects stay until the region is removed.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { Daemon } from "../process/daemon.js";
import type { Progress } from "../progress.js";
import { ensureTools, toolPath } from "../toolchain/index.js";
import { joinHostGroup } from "./cgroups.js";
import { logsDirectory, objectStorageDirectory } from "./names.js";
import { inNamespace } from "./run.js";

const port = 7070;

export interface ObjectStorageKey {
  readonly id: string;
  readonly secret: string;
}

/** Address that machines and pods of the region reach it at. */
export const objectStorageUrl = (config: LabConfig): string => `http://${config.gateway}:${port}`;

const keyFile = (config: LabConfig): string => join(objectStorageDirectory(config), "key.json");
const buckets = (config: LabConfig): string => join(objectStorageDirectory(config), "buckets");

const daemon = (config: LabConfig): Daemon =>
  new Daemon(
    "object storage (versitygw)",
    join(objectStorageDirectory(config), "process.json"),
    join(logsDirectory(config), "object-storage.log"),
  );

/** Whether the region has it. */
const hasObjectStorage = (config: LabConfig): boolean => existsSync(keyFile(config));

/** The key of its only user; the first call makes it. */
function objectStorageKey(config: LabConfig): ObjectStorageKey {
  if (!hasObjectStorage(config)) {
    mkdirSync(objectStorageDirectory(config), { recursive: true, mode: 0o700 });
    const key: ObjectStorageKey = { id: randomBytes(10).toString("hex"), secret: randomBytes(20).toString("hex") };
    writeFileSync(keyFile(config), JSON.stringify(key), { mode: 0o600 });
  }
  return JSON.parse(readFileSync(keyFile(config), "utf8")) as ObjectStorageKey;
}

/**
 * Makes it serve in the region, which must be there, with a bucket of this name.
 * @returns The key of its user.
 * @throws Error with the end of its log when it does not start.
 */
export async function ensureObjectStorage(
  config: LabConfig,
  bucket: string,
  progress: Progress,
): Promise<ObjectStorageKey> {
  await ensureTools(config, ["versitygw"], progress);
  const key = objectStorageKey(config);
  mkdirSync(join(buckets(config), bucket), { recursive: true });
  const { namespace, gateway } = config;
  const program = [toolPath(config, "versitygw"), "--port", `${gateway}:${port}`, "posix", buckets(config)];
  await daemon(config).start({
    command: inNamespace(namespace, program),
    // Not on the command line, which everybody on this machine can read.
    env: { PATH: process.env["PATH"], LANG: "C.UTF-8", ROOT_ACCESS_KEY: key.id, ROOT_SECRET_KEY: key.secret },
    onStart: ({ pid }) => joinHostGroup(config, pid),
    // Any answer will do: it says who may not read.
    ready: async () => (await fetch(objectStorageUrl(config))).status > 0,
    timeout: 30_000,
  });
  return key;
}

/** Paths of the objects below a path, which begins with the bucket. */
export function objectsIn(config: LabConfig, path: string): string[] {
  const folder = join(buckets(config), path);
  return readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}
