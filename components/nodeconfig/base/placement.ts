/**
 * Where a machine's configuration is on its disk. Each configuration has a directory of its own, a link says which one is current, and
 * everything else points below that link: so a machine goes from one configuration to another, and back, in one step.
 */
import {
  configurationsDirectory,
  currentConfiguration,
  ownedDirectories,
  unitDirectory,
} from "../../contract/paths.js";
import type { NodeConfig, NodeDirectory, NodeFile, NodeLink, NodeUnit, NodeUser } from "./types.js";

/** Nothing but directories, files and links: what Ignition writes at the first boot, and a bundle later. */
export interface Placement {
  readonly directories: readonly NodeDirectory[];
  readonly files: readonly NodeFile[];
  readonly links: readonly NodeLink[];
  readonly users: readonly NodeUser[];
}

/** The configuration's own files and links, by the paths that they stand for. */
export function contentsOf(config: NodeConfig): Pick<Placement, "files" | "links"> {
  const units = config.units.map(unitContents);
  return {
    files: [...config.files, ...units.flatMap(({ files }) => files)],
    links: [...config.links, ...units.flatMap(({ links }) => links)],
  };
}

/** @param digest Of the configuration; names its directory. */
export function place(config: NodeConfig, digest: string): Placement {
  const { files: all, links } = contentsOf(config);
  const files = all.filter(({ once }) => !once);
  const directory = `${configurationsDirectory}/${digest}`;
  const paths = [...files, ...links].map(({ path }) => path);
  const outside = new Set(paths.map((path) => ownedDirectories.find((owned) => path.startsWith(`${owned}/`)) ?? path));
  return {
    directories: config.directories,
    files: [...all.filter(({ once }) => once), ...files.map((file) => ({ ...file, path: `${directory}${file.path}` }))],
    links: [
      ...links.map((link) => ({ ...link, path: `${directory}${link.path}` })),
      { path: currentConfiguration, target: directory },
      ...[...outside].map((path) => ({ path, target: `${currentConfiguration}${path}` })),
    ],
    users: config.users,
  };
}

/** https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html: a unit file may be a link, and so may what enables it. */
function unitContents(unit: NodeUnit): { readonly files: readonly NodeFile[]; readonly links: readonly NodeLink[] } {
  const path = `${unitDirectory}/${unit.name}`;
  if (unit.masked) return { files: [], links: [{ path, target: "/dev/null" }] };
  const dropins = Object.entries(unit.dropins ?? {}).map(([name, contents]) => unitFile(`${path}.d/${name}`, contents));
  return {
    files: unit.contents === undefined ? dropins : [unitFile(path, unit.contents), ...dropins],
    links: unit.enabled ? [{ path: `${unitDirectory}/${wantedBy(unit)}.wants/${unit.name}`, target: path }] : [],
  };
}

/** Readable by root only, as the CIS benchmark wants it, although no unit file holds a secret. */
const unitFile = (path: string, contents: string): NodeFile => ({ path, mode: 0o600, contents });

/** @throws Error when nothing starts the unit. */
function wantedBy({ name, contents = "" }: NodeUnit): string {
  const target = /^WantedBy=(\S+)$/m.exec(contents)?.[1];
  if (target === undefined)
    throw new Error(`${name}: is enabled, but no target wants it; add [Install] with WantedBy=`);
  return target;
}
