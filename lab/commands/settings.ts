/**
 * The settings of the lab's stack.
 *
 * `Pulumi.dev.yaml` in the project is the starting point and is never written by the lab. The region works on its own
 * copy (`<region>/stack/Pulumi.<stack>.yaml`), which carries the region's addresses and the engine's encryption salt,
 * and which `pulumi config set` changes when `make env` is in effect. A key that is changed in the project's file later
 * is carried over by the next `make up`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "yaml";
import { labConfig, projectDirectory, type LabConfig } from "../config.js";

export const projectName = "corekube";

/** Stack of a region: `dev` for the user's, `test` for the one that `make test` boots. */
export function stackName(config: LabConfig): string {
  return config.name === "lab" ? "dev" : config.name;
}

/** Folder with the region's copy of the settings and the `Pulumi.yaml` that `pulumi stack init` wants beside it. */
export function stackDirectory(config: LabConfig): string {
  return join(config.directory, "stack");
}

/** The region's copy of the settings. */
export function settingsFile(config: LabConfig, stack = stackName(config)): string {
  return join(stackDirectory(config), `Pulumi.${stack}.yaml`);
}

interface SettingsFile {
  encryptionsalt?: string;
  config?: Record<string, unknown>;
}

/** `value` with the addresses and folders of the user's lab exchanged for those of another region. */
export function moveToRegion(value: unknown, config: LabConfig): unknown {
  const home = labConfig({});
  const pairs: readonly (readonly [string, string])[] = [
    [home.gateway, config.gateway],
    [home.adminAddress, config.adminAddress],
    [".lab/lab", config.directory],
  ];
  if (typeof value === "string") {
    return pairs.reduce((text, [from, to]) => text.replace(new RegExp(`${from.replaceAll(".", "\\.")}(?![0-9])`, "g"), to), value);
  }
  if (Array.isArray(value)) return value.map((item) => moveToRegion(item, config));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, moveToRegion(item, config)]));
  }
  return value;
}

/**
 * Keys of `now` that differ from `before` are set in `copy`, keys that are gone from it are removed; what the user set
 * in the copy alone stays.
 */
export function carryOver(
  copy: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const result = { ...copy };
  for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
    if (isDeepStrictEqual(before[key], now[key])) continue;
    if (key in now) result[key] = now[key];
    else delete result[key];
  }
  return result;
}

/**
 * Writes or updates the region's copy.
 * @param changes settings that replace those of the project's file, by full key such as `corekube:node_count`.
 */
export function writeSettings(config: LabConfig, stack = stackName(config), changes: Readonly<Record<string, unknown>> = {}): void {
  mkdirSync(stackDirectory(config), { recursive: true, mode: 0o700 });
  writeFileSync(join(stackDirectory(config), "Pulumi.yaml"), stringify({ name: projectName, runtime: "nodejs" }));
  const source = read(join(projectDirectory, "Pulumi.dev.yaml"));
  const now = { ...(moveToRegion(source.config ?? {}, config) as Record<string, unknown>), ...changes };
  const file = settingsFile(config, stack);
  const seedFile = `${file}.seed`;
  const copy = existsSync(file) ? read(file) : {};
  const before = existsSync(seedFile) ? (read(seedFile).config ?? {}) : {};
  const merged = carryOver(copy.config ?? {}, before, now);
  writeFileSync(file, stringify({ ...copy, config: merged }), { mode: 0o600 });
  writeFileSync(seedFile, stringify({ config: now }), { mode: 0o600 });
}

function read(file: string): SettingsFile {
  return (parse(readFileSync(file, "utf8")) ?? {}) as SettingsFile;
}
