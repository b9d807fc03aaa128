/** User-data as a reader sees it: decoded, in lines, so that a change shows as a change of lines. */
import { unpackIgnition } from "../../../components/nodeconfig/base/ignition.js";

/** What Ignition reads, as far as we write it. */
export interface IgnitionDocument {
  readonly ignition: { readonly version: string };
  readonly passwd?: {
    readonly users: readonly { readonly name: string; readonly sshAuthorizedKeys: readonly string[] }[];
  };
  readonly storage: {
    readonly directories: readonly { readonly path: string; readonly mode: number }[];
    readonly files: readonly {
      readonly path: string;
      readonly mode: number;
      readonly contents: { readonly source: string };
    }[];
    readonly links: readonly { readonly path: string; readonly target: string }[];
  };
}

export function parseUserData(userData: string): IgnitionDocument {
  return JSON.parse(unpackIgnition(userData)) as IgnitionDocument;
}

/** Text of a file's `data:` address. */
export function fileText(source: string): string {
  const prefix = "data:,";
  if (!source.startsWith(prefix)) {
    throw new Error(`source: got ${source.slice(0, 30)}, expected ${prefix}`);
  }
  return decodeURIComponent(source.slice(prefix.length));
}

const lines = (text: string): string[] => text.split("\n");
const octal = (mode: number): string => `0${mode.toString(8)}`;

/** The path that a file or link of the configuration stands for: without the configuration's own directory. */
export const standsFor = (path: string): string =>
  path.replace(/^\/etc\/corekube\/configurations\/[0-9a-f]+(?=\/)/, "");

/** Pretty-printed, in Ignition's order. Links from outside into the configuration are left out. */
export function decode(userData: string): string {
  const { ignition, passwd, storage } = parseUserData(userData);
  const decoded = {
    ignition,
    ...(passwd ? { passwd } : {}),
    directories: storage.directories.map(({ path, mode }) => `${octal(mode)} ${path}`),
    files: storage.files.map(({ path, mode, contents }) => ({
      path: standsFor(path),
      mode: octal(mode),
      contents: lines(fileText(contents.source)),
    })),
    links: storage.links
      .filter(({ path }) => standsFor(path) !== path)
      .map(({ path, target }) => `${standsFor(path)} -> ${target}`),
  };
  return `${JSON.stringify(decoded, null, 2)}\n`;
}
