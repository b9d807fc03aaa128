/** Builds tools from their Go modules, exactly as their go.mod and go.sum files lock them. */
import { readFileSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import type { Progress } from "../progress.js";
import { findGo } from "./go.js";
import type { Part } from "./parts.js";
import { run } from "./run.js";

/** Wrapper modules: `<folder>/<part>/go.mod`. */
export const modulesDirectory = join(__dirname, "modules");

/** How often a build says what it is doing, milliseconds. */
const interval = 8_000;

/**
 * Builds the named tools of a part into `folder`.
 * @param label Words for the progress: where this part stands among the others.
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
  const tell = (): void =>
    progress.report(
      `${part.name}: building ${tools.join(", ")} from Go modules, ${Math.round((Date.now() - start) / 1000)} s, ` +
        `${current || "starting"} (${compiled} packages so far); ${label}; expect about ${part.seconds} s with nothing cached`,
    );
  tell();
  const timer = setInterval(tell, interval);
  try {
    // One call for all tools of a module: Go then schedules compiling and linking of all of them together.
    await run(
      go.command,
      ["build", "-v", ...buildFlags(part), "-o", `${folder}/`, ...tools.map((tool) => part.packages[tool]!)],
      {
        cwd: join(modulesDirectory, part.name),
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
  }
  for (const tool of tools) {
    const built = programName(part.packages[tool]!);
    if (built !== tool) renameSync(join(folder, built), join(folder, tool));
  }
}

/** Flags that decide what comes out; part of the key under which it is kept. */
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
 * Checks that go.mod locks the version that `versions.json` asks for.
 * @throws Error that names both and the command that brings them together.
 */
export function checkModule(part: Part, directory: string = modulesDirectory): void {
  const file = join(directory, part.name, "go.mod");
  const text = readFileSync(file, "utf8");
  for (const [module, version] of Object.entries(part.modules)) {
    const escaped = module.replace(/[.\\/]/g, "\\$&");
    const locked = new RegExp(`^(?:require )?\\s*${escaped} v(\\S+)`, "m").exec(text)?.[1];
    if (locked !== version) {
      throw new Error(
        `${file} locks ${module} at ${locked ?? "no version"}, versions.json asks for ${version}: run "npx tsx lab/toolchain/pin.ts ${part.name}"`,
      );
    }
  }
}

/** The name that Go gives to a program: last element of its package's path that is not a major version. */
export function programName(goPackage: string): string {
  const last = basename(goPackage);
  return /^v\d+$/.test(last) ? basename(goPackage.slice(0, -last.length - 1)) : last;
}

function hint(error: unknown): string {
  const text = (error as Error).message;
  if (/missing go\.sum entry|updates to go\.mod needed/.test(text))
    return 'Its locked modules do not fit: run "npx tsx lab/toolchain/pin.ts" for it.';
  if (/fatal error: .*\.h: No such file|cannot find -l|pkg-config|gcc/.test(text))
    return "A C library or compiler is missing: run the lab's preflight, which installs the Debian packages it needs.";
  if (/dial tcp|no such host|i\/o timeout|connection refused|403 Forbidden/.test(text))
    return "The Go module proxy does not answer: check the network, or GOPROXY.";
  if (/no space left/.test(text))
    return "The disk is full: about 8 GB are needed for Go's caches and 2 GB for the tools.";
  return "";
}
