/**
 * Locks the Go modules of the toolchain, for all releases, to the versions in `versions/`: writes each folder's go.mod and
 * go.sum.
 * Run it after a change of a version; it needs the network. The checksums of downloads are changed by hand.
 *
 * Run: `npx tsx lab/toolchain/pin.ts [FOLDER ...]` (default: those whose lock does not fit).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../process/run.js";
import { plainProgress } from "../progress.js";
import { checkModule, modulesDirectory } from "./build.js";
import { findGo, type GoCommand } from "./go.js";
import type { Part } from "./part.js";
import { allParts } from "./parts.js";
import { versions } from "./versions.js";

/** Replacements in a module's own go.mod, which apply only when they are repeated here. */
const replacements: Readonly<Record<string, (part: Part, go: GoCommand) => Promise<string[]>>> = {
  async pulumi() {
    return ["github.com/atotto/clipboard=github.com/tgummerer/clipboard@v0.0.0-20241001131231-d02d263e614e"];
  },
  // In place of what no proxy serves, or not all of: their folders say more. The others are Traefik's own versions of two libraries, of
  // which the one for passwords is the newest that proxies serve.
  async traefik() {
    return [
      "github.com/traefik/traefik/dynamic/ext=./extension",
      "github.com/go-acme/lego/v5=./acme",
      "github.com/abbot/go-http-auth=github.com/containous/go-http-auth@v0.4.1-0.20200324110947-a37a7636d23e",
      "github.com/gorilla/mux=github.com/containous/mux@v0.0.0-20250523120546-41b6ec3aed59",
    ];
  },
  // Its client alone asks for newer ones, with which the controller does not compile.
  async "external-snapshotter"() {
    return ["api", "apimachinery", "client-go"].map((name) => `k8s.io/${name}=k8s.io/${name}@v0.36.1`);
  },
  async velero() {
    return [
      "github.com/kopia/kopia=github.com/project-velero/kopia@v0.0.0-20251230033609-d946b1e75197",
      // The release that it asks for is not served; only the tables of its command come from there.
      "k8s.io/cli-runtime=k8s.io/cli-runtime@v0.33.10",
    ];
  },
  // Kubernetes is developed with its libraries beside it; they are published as modules v0.x.y for v1.x.y.
  async kubernetes(part, go) {
    const info = JSON.parse(
      await run([go.command, "mod", "download", "-json", `k8s.io/kubernetes@v${part.version}`], {
        env: go.env,
        cwd: "/",
      }),
    ) as { GoMod: string };
    const staged = [...readFileSync(info.GoMod, "utf8").matchAll(/^\s*(k8s\.io\/\S+) => \.\/staging\//gm)].map(
      (match) => match[1]!,
    );
    return staged.map((module) => `${module}=${module}@v${part.version.replace(/^1\./, "0.")}`);
  },
};

/** Parts with a dependency whose tests cannot be resolved; Go tolerates this only with a flag. */
const tolerant = new Set(["flannel"]);

async function pin(part: Part): Promise<void> {
  const go = await findGo();
  const directory = join(modulesDirectory, part.folder);
  mkdirSync(directory, { recursive: true });
  const call = (...args: string[]): Promise<unknown> =>
    run([go.command, ...args], { cwd: directory, env: { ...go.env, GOFLAGS: "-mod=mod" } });
  const own = `corekube/lab/toolchain/${part.name}`;
  writeFileSync(join(directory, "go.mod"), `module ${own}\n\ngo ${versions.toolchain.go}\n`);
  for (const replacement of (await replacements[part.name]?.(part, go)) ?? [])
    await call("mod", "edit", `-replace=${replacement}`);
  const foreign = Object.values(part.packages).filter((name) => !name.startsWith("corekube/"));
  const versionOf = (name: string): string =>
    Object.entries(part.modules).find(([module]) => name === module || name.startsWith(`${module}/`))![1];
  if (foreign.length > 0) await call("get", "-tool", ...foreign.map((name) => `${name}@v${versionOf(name)}`));
  for (const [module, version] of Object.entries(part.modules)) await call("get", `${module}@v${version}`);
  await call("mod", "tidy", ...(tolerant.has(part.name) ? ["-e"] : []));
  checkModule(part);
}

function fits(part: Part): boolean {
  try {
    checkModule(part);
    return true;
  } catch {
    return false;
  }
}

async function main(names: readonly string[]): Promise<void> {
  const parts = allParts();
  const unknown = names.filter((name) => !parts.some((part) => part.folder === name));
  if (unknown.length > 0)
    throw new Error(`no folder ${unknown.join(", ")}; there are ${parts.map(({ folder }) => folder).join(", ")}`);
  const chosen = parts.filter((part) => (names.length > 0 ? names.includes(part.folder) : !fits(part)));
  const progress = plainProgress();
  for (const part of chosen) {
    progress.report(`${part.folder}: locking its modules at ${part.version}`);
    await pin(part);
  }
  progress.report(
    chosen.length > 0 ? `locked: ${chosen.map(({ folder }) => folder).join(", ")}` : "every lock fits versions/",
  );
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
