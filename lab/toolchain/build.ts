/** Builds tools from their Go modules, exactly as their go.mod and go.sum files lock them. */
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Progress } from "../progress.js";
import { findGo, type GoCommand } from "./go.js";
import type { Part } from "./part.js";
import { run } from "../process/run.js";

/** Wrapper modules: `<folder>/<folder of the part>/go.mod`. */
export const modulesDirectory = join(__dirname, "modules");

/** Milliseconds between two reports of a build. */
const interval = 8_000;

/**
 * Builds the named tools of a part into `folder`.
 * @param label Position of this part among the others, for the progress.
 */
export async function buildTools(
  part: Part,
  tools: readonly string[],
  folder: string,
  progress: Progress,
  label: string,
): Promise<void> {
  const go = await findGo(progress.signal);
  checkModule(part);
  const start = Date.now();
  let compiled = 0;
  let current = "";
  const report = (): void =>
    progress.report(
      `${part.name}: building ${tools.join(", ")} from Go modules, ${Math.round((Date.now() - start) / 1000)} s, ` +
        `${current || "starting"} (${compiled} packages so far); ${label}; expect about ${part.seconds} s with nothing cached`,
    );
  report();
  const timer = setInterval(report, interval);
  const scratch = mkdtempSync(join(tmpdir(), "corekube-build-"));
  try {
    const exchange = part.exchanged === undefined ? [] : await exchangeFiles(part, part.exchanged, scratch, go);
    // One call for all tools: packages that they share are compiled once, and linking overlaps with compiling.
    await run(
      [
        go.command,
        ...["build", "-v", ...buildFlags(part), ...exchange, "-o", `${folder}/`],
        ...tools.map((tool) => part.packages[tool]!),
      ],
      {
        cwd: join(modulesDirectory, part.folder),
        env: { ...go.env, CGO_ENABLED: part.cgo ? "1" : "0" },
        signal: progress.signal,
        onLine(line) {
          if (line.startsWith("go: downloading ")) current = `fetching ${line.slice("go: downloading ".length)}`;
          else if (/^[\w.\-/]+$/.test(line)) {
            compiled += 1;
            current = line;
          }
        },
      },
    );
  } catch (error) {
    progress.signal?.throwIfAborted();
    throw new Error(
      `${part.name} ${part.version} cannot be built from its Go modules. ${hint(error)}\n${(error as Error).message}`,
      { cause: error },
    );
  } finally {
    clearInterval(timer);
    rmSync(scratch, { recursive: true, force: true });
  }
  for (const tool of tools) {
    const built = programName(part.packages[tool]!);
    if (built !== tool) renameSync(join(folder, built), join(folder, tool));
  }
}

/**
 * Copies modules of a part into `scratch`, with some of their files exchanged.
 * @returns Flags with which Go takes these copies for the modules.
 */
async function exchangeFiles(
  part: Part,
  exchanged: NonNullable<Part["exchanged"]>,
  scratch: string,
  go: GoCommand,
): Promise<string[]> {
  const own = join(modulesDirectory, part.folder);
  for (const file of ["go.mod", "go.sum"]) copyFileSync(join(own, file), join(scratch, file));
  for (const [module, files] of Object.entries(exchanged)) {
    const answer = await run([go.command, "mod", "download", "-json", module], { cwd: own, env: go.env });
    const { Dir } = JSON.parse(answer) as { readonly Dir: string };
    const copy = join(scratch, basename(module));
    cpSync(Dir, copy, { recursive: true });
    for (const [file, replacement] of Object.entries(files)) {
      // Modules are read-only in Go's cache.
      chmodSync(join(copy, file), 0o644);
      copyFileSync(join(own, replacement), join(copy, file));
    }
    appendFileSync(join(scratch, "go.mod"), `\nreplace ${module} => ${copy}\n`);
  }
  return [`-modfile=${join(scratch, "go.mod")}`];
}

/** Flags that decide the content of the tools; part of the key of their folder. */
export function buildFlags(part: Part): string[] {
  const linker = ["-s", "-w", ...Object.entries(part.variables).map(([name, value]) => `-X ${name}=${value}`)];
  if (part.staticLibraries) linker.push("-extldflags=-static");
  return [
    "-mod=readonly",
    "-trimpath",
    "-buildvcs=false",
    ...(part.tags.length > 0 ? [`-tags=${part.tags.join(",")}`] : []),
    `-ldflags=${linker.join(" ")}`,
  ];
}

/**
 * Checks that go.mod locks the version that the catalogue asks for.
 * @throws Error with both versions and the command to run.
 */
export function checkModule(part: Part, directory: string = modulesDirectory): void {
  const file = join(directory, part.folder, "go.mod");
  const text = readFileSync(file, "utf8");
  for (const [module, version] of Object.entries(part.modules)) {
    const escaped = module.replace(/[.\\/]/g, "\\$&");
    const locked = new RegExp(`^(?:require )?\\s*${escaped} v(\\S+)`, "m").exec(text)?.[1];
    if (locked !== version) {
      throw new Error(
        `${file} locks ${module} at ${locked ?? "no version"}, versions/ asks for ${version}: run "npx tsx lab/toolchain/pin.ts ${part.folder}"`,
      );
    }
  }
}

/** The name that Go gives to a program: the last element of its package's path that is not a major version. */
export function programName(goPackage: string): string {
  const last = basename(goPackage);
  return /^v\d+$/.test(last) ? basename(goPackage.slice(0, -last.length - 1)) : last;
}

function hint(error: unknown): string {
  const text = (error as Error).message;
  if (/missing go\.sum entry|updates to go\.mod needed/.test(text))
    return 'Its go.mod is out of date: run "npx tsx lab/toolchain/pin.ts".';
  if (/fatal error: .*\.h: No such file|cannot find -l|pkg-config|gcc/.test(text))
    return "A C compiler or library is missing: run make up as root once; its preflight checks install the Debian packages.";
  if (/dial tcp|no such host|i\/o timeout|connection refused|403 Forbidden/.test(text))
    return "The Go module proxy does not answer: check the network and GOPROXY.";
  if (/no space left/.test(text))
    return "The disk is full: builds need about 8 GB for Go's caches and 2 GB for the tools.";
  return "";
}
