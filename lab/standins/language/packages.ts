/** What a program has installed: packages that need a plugin, and all of them for `pulumi about`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface PluginPackage {
  readonly name: string;
  readonly version: string;
  /** Where the plugin is downloaded from, if not from the usual place. */
  readonly server: string | undefined;
}

export interface Dependency {
  readonly name: string;
  readonly version: string;
}

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly pulumi?: {
    readonly resource?: boolean;
    readonly name?: string;
    readonly version?: string;
    readonly server?: string;
  };
}

/** The packages that say in their package.json that they belong to a resource plugin. */
export function pluginPackages(programDirectory: string): PluginPackage[] {
  const found = new Map<string, PluginPackage>();
  for (const folder of moduleFolders(programDirectory)) {
    for (const { pulumi, name = "", version = "" } of installed(folder)) {
      if (pulumi?.resource !== true) continue;
      const plugin = {
        name: pulumi.name ?? name.replace(/^@pulumi\//, ""),
        version: `v${(pulumi.version ?? version).replace(/^v/, "")}`,
        server: pulumi.server,
      };
      found.set(`${plugin.name} ${plugin.version}`, plugin);
    }
  }
  return [...found.values()];
}

/** Installed packages: those that the program names, or with `transitive` every one. */
export function dependencies(programDirectory: string, transitive: boolean): Dependency[] {
  const manifest = readManifest(join(projectRoot(programDirectory), "package.json"));
  const named = new Set([
    ...Object.keys(manifest?.dependencies ?? {}),
    ...Object.keys(manifest?.devDependencies ?? {}),
  ]);
  const found = new Map<string, Dependency>();
  for (const folder of moduleFolders(programDirectory)) {
    for (const { name, version } of installed(folder)) {
      if (name === undefined || version === undefined || (!transitive && !named.has(name))) continue;
      found.set(transitive ? `${name} ${version}` : name, { name, version });
    }
  }
  return [...found.values()].sort((left, right) => left.name.localeCompare(right.name));
}

/** Closest folder upwards that has a package.json; the program's own when there is none. */
export function projectRoot(directory: string): string {
  for (let current = directory; ; current = dirname(current)) {
    if (existsSync(join(current, "package.json"))) return current;
    if (dirname(current) === current) return directory;
  }
}

/** node_modules folders that node searches from a folder, nearest last, so that the nearest package wins. */
function moduleFolders(directory: string): string[] {
  const folders: string[] = [];
  for (let current = directory; ; current = dirname(current)) {
    const folder = join(current, "node_modules");
    if (existsSync(folder)) folders.unshift(folder);
    if (dirname(current) === current) return folders;
  }
}

function* installed(folder: string): Generator<Manifest> {
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry);
    if (entry.startsWith(".")) continue;
    if (entry.startsWith("@")) {
      yield* installed(path);
      continue;
    }
    const manifest = readManifest(join(path, "package.json"));
    if (manifest === undefined) continue;
    yield manifest;
    const nested = join(path, "node_modules");
    if (existsSync(nested)) yield* installed(nested);
  }
}

function readManifest(file: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Manifest;
  } catch {
    return undefined;
  }
}
