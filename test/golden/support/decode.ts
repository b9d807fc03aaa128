/** User-data as a reader sees it: decoded, in lines, so that a change shows as a change of lines. */
import { unpackIgnition } from "../../../components/nodeconfig/base/ignition.js";

interface Unit {
  readonly name: string;
  readonly enabled?: boolean;
  readonly mask?: boolean;
  readonly contents?: string;
  readonly dropins?: readonly { readonly name: string; readonly contents: string }[];
}

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
  };
  readonly systemd: { readonly units: readonly Unit[] };
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

/** Pretty-printed, in Ignition's order. */
export function decode(userData: string): string {
  const { ignition, passwd, storage, systemd } = parseUserData(userData);
  const decoded = {
    ignition,
    ...(passwd ? { passwd } : {}),
    directories: storage.directories.map(({ path, mode }) => `${octal(mode)} ${path}`),
    files: storage.files.map(({ path, mode, contents }) => ({
      path,
      mode: octal(mode),
      contents: lines(fileText(contents.source)),
    })),
    units: systemd.units.map(({ contents, dropins, ...unit }) => ({
      ...unit,
      ...(contents === undefined ? {} : { contents: lines(contents) }),
      ...(dropins
        ? { dropins: dropins.map((dropin) => ({ name: dropin.name, contents: lines(dropin.contents) })) }
        : {}),
    })),
  };
  return `${JSON.stringify(decoded, null, 2)}\n`;
}
