/** A part of the toolchain: tools that are built or downloaded together. */
import type { PinnedFile } from "./versions.js";

/** An official file that holds one or more tools. */
export interface OfficialFile extends PinnedFile {
  /** Tool -> its path in the archive; "" for a file that is the tool itself. */
  readonly tools: Readonly<Record<string, string>>;
  /** Whether the file is kept, because the mirror serves it. @default false */
  readonly kept?: boolean;
}

/** Tools that are built together, because they come from one module and share most of their packages. */
export interface Part {
  readonly name: string;
  /** Its folder under `modules/`: of its own for each version, where releases of Kubernetes have different ones. */
  readonly folder: string;
  readonly version: string;
  /** Module paths that must stand in the folder's go.mod with exactly these versions. */
  readonly modules: Readonly<Record<string, string>>;
  /** Tool -> main package. */
  readonly packages: Readonly<Record<string, string>>;
  /** Whether C code is linked in; needs gcc and the libraries in `packages.ts`. */
  readonly cgo: boolean;
  readonly tags: readonly string[];
  /** Values that the linker writes into variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** Links C libraries in, so that the tool runs in images without them. */
  readonly staticLibraries: boolean;
  readonly official: readonly OfficialFile[];
  /**
   * Files of modules that are exchanged: module -> its file -> the one in the part's folder that takes its place. Only for what this
   * machine cannot do as the original does it. @default none
   */
  readonly exchanged?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The add-on, by its block of settings, that alone needs it and is off by default, or the example. @default it is for every cluster */
  readonly addon?: string;
  /** Seconds that a build takes with empty caches on two cores: decides the order of builds, and is shown. */
  readonly seconds: number;
}

/** What most parts have. */
export const plain = { cgo: false, tags: [], variables: {}, staticLibraries: false, official: [] } as const;
