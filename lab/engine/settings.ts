/**
 * The settings of the lab's stack.
 *
 * The lab never writes `Pulumi.<stack>.yaml` in the project. The region has its own copy
 * (`<region>/stack/Pulumi.<stack>.yaml`) with its addresses and the engine's encryption salt; with `make env` in effect,
 * `pulumi config set` changes that copy. The next `make up` carries over what has changed in the project's file.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "yaml";
import { catalogueVersions, newestVersion } from "../../components/spec/versions.js";
import { labConfig, projectDirectory, type LabConfig } from "../config.js";
import { labClouds } from "../clouds/index.js";

export const projectName = "corekube";

/** File that the project ships for a stack. */
const shippedFile = (stack: string): string => join(projectDirectory, `Pulumi.${stack}.yaml`);

/** The region's stack: a region has one. */
function presentStack(config: LabConfig): string | undefined {
  if (!existsSync(stackDirectory(config))) return undefined;
  const names = readdirSync(stackDirectory(config)).flatMap(
    (file) => /^Pulumi\.([a-z0-9-]+)\.yaml$/.exec(file)?.[1] ?? [],
  );
  return names[0];
}

/**
 * Stack of a region: `COREKUBE_STACK` (`make up STACK=ha`), else the stack that the region has, else `dev` for the user's
 * region and the region's name for the others.
 */
export function stackName(config: LabConfig, env: NodeJS.ProcessEnv = process.env): string {
  return env["COREKUBE_STACK"] || (presentStack(config) ?? (config.name === "lab" ? "dev" : config.name));
}

/**
 * Checks that a stack can be created in the region.
 * @throws Error with what to do instead.
 */
export function checkStack(config: LabConfig, stack: string): void {
  const present = presentStack(config);
  if (present !== undefined && present !== stack) {
    throw new Error(
      `STACK: got "${stack}", but region "${config.name}" has stack "${present}"; remove it with "make down", or use another region: make up STACK=${stack} COREKUBE_LAB=side1`,
    );
  }
  if (stack !== config.name && !existsSync(shippedFile(stack))) {
    const shipped = readdirSync(projectDirectory).flatMap(
      (file) => /^Pulumi\.([a-z0-9-]+)\.yaml$/.exec(file)?.[1] ?? [],
    );
    throw new Error(
      `STACK: got "${stack}", allowed are ${shipped.join(", ")}: the stacks whose Pulumi.<name>.yaml is in the project`,
    );
  }
}

/**
 * Cloud of a stack, which its region must play.
 * @throws Error when the lab has no such cloud.
 */
export function stackCloud(config: LabConfig, stack: string): string {
  const files = [settingsFile(config, stack), shippedFile(stack), shippedFile("dev")];
  const text =
    read(files.find((file) => existsSync(file)) ?? shippedFile("dev")).config?.["corekube:cloud"] ?? "digitalocean";
  const names = labClouds.map(({ name }) => name);
  const cloud = names.find((name) => name === text);
  if (!cloud) throw new Error(`corekube:cloud: got "${String(text)}", allowed in the lab are ${names.join(", ")}`);
  return cloud;
}

/**
 * Release of Kubernetes that a stack's settings ask for.
 * @throws Error when it is not in the catalogue.
 */
export function stackRelease(config: LabConfig, stack: string): string {
  const key = "corekube:kubernetes_version";
  const asked = settingsNow(config, stack).merged[key] ?? newestVersion;
  const version = catalogueVersions.find((known) => known === asked);
  if (version === undefined)
    throw new Error(`${key}: got "${String(asked)}", allowed are ${catalogueVersions.join(", ")}`);
  return version;
}

/** Add-ons that a stack's settings turn on, by their blocks of settings. Those that are on by default are not among them. */
export function stackAddons(config: LabConfig, stack: string): string[] {
  const blocks = (settingsNow(config, stack).merged["corekube:addons"] ?? {}) as Readonly<
    Record<string, { readonly enabled?: unknown } | null>
  >;
  return Object.entries(blocks).flatMap(([name, block]) => (String(block?.enabled) === "true" ? [name] : []));
}

/** A setting of the region's stack, by its full key; undefined: not set. */
export function settingOf(config: LabConfig, stack: string, key: string): unknown {
  return read(settingsFile(config, stack)).config?.[key];
}

/** Folder of the region's copy of the settings, with the `Pulumi.yaml` that `pulumi stack init` needs. */
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

/** `value` with addresses and folders of the user's region replaced by those of another one. */
export function moveToRegion(value: unknown, config: LabConfig): unknown {
  const home = labConfig({});
  const pairs: readonly (readonly [string, string])[] = [
    [home.gateway, config.gateway],
    [home.adminAddress, config.adminAddress],
    [home.token, config.token],
    [".lab/lab", config.directory],
  ];
  if (typeof value === "string") {
    return pairs.reduce(
      (text, [from, to]) => text.replace(new RegExp(`${from.replaceAll(".", "\\.")}(?![0-9])`, "g"), to),
      value,
    );
  }
  if (Array.isArray(value)) return value.map((item) => moveToRegion(item, config));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, moveToRegion(item, config)]));
  }
  return value;
}

/**
 * Sets in `copy` the keys of `now` that differ from `before` and removes those that `now` lacks; what the user set in the
 * copy only stays.
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
 * @param changes Settings that replace those of the project's file, by full key such as `corekube:node_count`.
 */
export function writeSettings(
  config: LabConfig,
  stack = stackName(config),
  changes: Readonly<Record<string, unknown>> = {},
): void {
  mkdirSync(stackDirectory(config), { recursive: true, mode: 0o700 });
  writeFileSync(join(stackDirectory(config), "Pulumi.yaml"), stringify({ name: projectName, runtime: "nodejs" }));
  const { copy, now, merged } = settingsNow(config, stack, changes);
  const file = settingsFile(config, stack);
  writeFileSync(file, stringify({ ...copy, config: merged }), { mode: 0o600 });
  writeFileSync(seedFile(file), stringify({ config: now }), { mode: 0o600 });
}

/** What the project's file said when the region's copy was written. */
const seedFile = (file: string): string => `${file}.seed`;

/** The region's copy as it is, what the project's file says now, and what the copy becomes of both. */
function settingsNow(
  config: LabConfig,
  stack: string,
  changes: Readonly<Record<string, unknown>> = {},
): { copy: SettingsFile; now: Record<string, unknown>; merged: Record<string, unknown> } {
  const source = read(existsSync(shippedFile(stack)) ? shippedFile(stack) : shippedFile("dev"));
  const now = { ...(moveToRegion(source.config ?? {}, config) as Record<string, unknown>), ...changes };
  const file = settingsFile(config, stack);
  const copy = existsSync(file) ? read(file) : {};
  const before = existsSync(seedFile(file)) ? (read(seedFile(file)).config ?? {}) : {};
  return { copy, now, merged: carryOver(copy.config ?? {}, before, now) };
}

function read(file: string): SettingsFile {
  return (parse(readFileSync(file, "utf8")) ?? {}) as SettingsFile;
}
