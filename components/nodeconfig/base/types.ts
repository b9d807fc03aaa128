/** A machine's configuration as plain data. `placement.ts` says where it is on the disk. */

export interface NodeFile {
  /** Absolute. */
  readonly path: string;
  /** Permissions, such as `0o644`. */
  readonly mode: number;
  readonly contents: string;
  /** The machine changes it: only its first content comes from here. @default false */
  readonly once?: boolean;
}

export interface NodeDirectory {
  /** Absolute. */
  readonly path: string;
  readonly mode: number;
}

export interface NodeLink {
  /** Absolute. */
  readonly path: string;
  /** Absolute. */
  readonly target: string;
}

export interface NodeUnit {
  /** With its suffix, such as `kubelet.service`. */
  readonly name: string;
  /** Started at every boot. The unit then has an `[Install]` section. @default false */
  readonly enabled?: boolean;
  /** Masked: cannot be started. @default false */
  readonly masked?: boolean;
  /** The unit file. @default the operating system's own */
  readonly contents?: string;
  /** Additions to the unit, by file name. */
  readonly dropins?: Readonly<Record<string, string>>;
}

export interface NodeUser {
  readonly name: string;
  /** In OpenSSH's format. */
  readonly sshPublicKeys: readonly string[];
}

export interface NodeConfig {
  readonly directories: readonly NodeDirectory[];
  readonly files: readonly NodeFile[];
  readonly links: readonly NodeLink[];
  readonly units: readonly NodeUnit[];
  readonly users: readonly NodeUser[];
}

/** A file readable by everyone. */
export function file(path: string, contents: string): NodeFile {
  return { path, mode: 0o644, contents };
}

/** Merges parts; no file, directory or unit may be in two of them. */
export function merge(...parts: readonly Partial<NodeConfig>[]): NodeConfig {
  const config: NodeConfig = {
    directories: parts.flatMap((part) => part.directories ?? []),
    files: parts.flatMap((part) => part.files ?? []),
    links: parts.flatMap((part) => part.links ?? []),
    units: parts.flatMap((part) => part.units ?? []),
    users: parts.flatMap((part) => part.users ?? []),
  };
  const names = [...config.directories, ...config.files, ...config.links]
    .map(({ path }) => path)
    .concat(config.units.map(({ name }) => name));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice) {
    throw new Error(`${twice}: two parts of a machine's configuration have it; remove it from one`);
  }
  return config;
}
