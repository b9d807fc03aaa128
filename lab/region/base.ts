/**
 * The image of lab machines: Debian 12 shaped like Flatcar Container Linux where the product can tell.
 *
 * Two folders: `usr`, which all machines mount read-only (as Flatcar's is), and `root`, a small template of everything
 * else, which each machine gets a copy of. What is put on top of Debian lies as plain files in `base/`.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import { ensureTools, toolPath } from "../toolchain/index.js";
import { run } from "../process/run.js";
import { ensureFolder } from "../toolchain/store.js";
import { versions } from "../toolchain/versions.js";
import { basePackages, bootstrapDebian } from "./base-debian.js";

export interface Base {
  /** Folder to mount read-only at `/usr`. */
  readonly usr: string;
  /** Template of a machine's root; copy it with owners and modes (`cp -a`). */
  readonly root: string;
  /** Changes with the content. */
  readonly key: string;
}

const overlay = join(__dirname, "base");
const machineTools = ["containerd", "containerd-shim-runc-v2", "ctr", "runc"] as const;

/** Modes of files that git cannot keep. */
const modes: Readonly<Record<string, number>> = { "etc/sudoers.d/core": 0o440, "etc/sudoers.d": 0o750 };

/**
 * The image, made when it is not in the cache: about 30 s, plus containerd and runc when those are not built yet.
 * @throws Error when packages cannot be fetched or we are not root; `progress.signal.reason` when interrupted.
 */
export async function ensureBase(config: LabConfig, progress: Progress): Promise<Base> {
  await ensureTools(config, machineTools, progress);
  const key = baseKey(config);
  const folder = join(config.cache, "base", key);
  await ensureFolder(folder, progress, async (partial) => {
    const root = join(partial, "root");
    await bootstrapDebian(root, progress);
    progress.report("machine image: adding containerd, runc and what makes it look like Flatcar");
    for (const tool of machineTools) cpSync(toolPath(config, tool), join(root, "usr", "bin", tool));
    applyOverlay(root);
    prune(root);
    renameSync(join(root, "usr"), join(partial, "usr"));
    // systemd-nspawn wants to see a system in the folder before it mounts anything over it.
    mkdirSync(join(root, "usr", "lib"), { recursive: true });
    writeFileSync(join(root, "usr", "lib", "os-release"), osRelease());
    await run(["chown", "--recursive", "root:root", join(root, "usr")], { signal: progress.signal });
  });
  return { usr: join(folder, "usr"), root: join(folder, "root"), key };
}

function baseKey(config: LabConfig): string {
  const hash = createHash("sha256").update(
    JSON.stringify([
      basePackages,
      osRelease(),
      machineTools.map((tool) => toolPath(config, tool).slice(config.cache.length)),
    ]),
  );
  for (const source of ["base.ts", "base-debian.ts"]) hash.update(readFileSync(join(__dirname, source)));
  for (const file of filesBelow(overlay))
    hash.update(`${file}\0${lstatSync(join(overlay, file)).mode & 0o111}\0`).update(readFileSync(join(overlay, file)));
  return hash.digest("hex").slice(0, 12);
}

function applyOverlay(root: string): void {
  cpSync(overlay, root, { recursive: true, verbatimSymlinks: true });
  for (const file of filesBelow(overlay)) {
    const executable = (lstatSync(join(overlay, file)).mode & 0o100) !== 0;
    chmodSync(join(root, file), executable ? 0o755 : 0o644);
  }
  for (const [path, mode] of Object.entries(modes)) chmodSync(join(root, path), mode);
  writeFileSync(join(root, "usr", "lib", "os-release"), osRelease());
}

/** Takes out what Debian put in and a machine must not start with, and empties what it fills itself. */
function prune(root: string): void {
  const path = (name: string): string => join(root, name);
  // Units that Debian's packages enabled: a machine's first boot enables what the presets say, and only that.
  for (const name of readdirSync(path("etc/systemd/system")))
    rmSync(path(`etc/systemd/system/${name}`), { recursive: true });
  for (const name of readdirSync(path("etc/ssh"))) if (/^ssh_host_/.test(name)) rmSync(path(`etc/ssh/${name}`));
  for (const name of [
    "var/lib/dpkg",
    "var/lib/apt",
    "var/cache",
    "var/log",
    "var/backups",
    "etc/apt",
    "etc/cron.daily",
    "etc/hostname",
  ])
    rmSync(path(name), { recursive: true, force: true });
  for (const name of ["var/cache", "var/log", "opt/bin", "opt/cni/bin"]) mkdirSync(path(name), { recursive: true });
  // Mount point for the host's modules; programs look for the list of built-in ones there.
  mkdirSync(path("usr/lib/modules"), { recursive: true });
  // Nobody sits at a console. Debian starts a login there whatever the presets say.
  symlinkSync("/dev/null", path("etc/systemd/system/console-getty.service"));
  // Presets apply at a boot that finds exactly this.
  writeFileSync(path("etc/machine-id"), "uninitialized\n");
  rmSync(path("var/lib/dbus"), { recursive: true, force: true });
}

function osRelease(): string {
  const { version } = versions.flatcar;
  return [
    'NAME="corekube lab machine"',
    "ID=corekube-lab",
    'ID_LIKE="flatcar debian"',
    `VERSION="${version}"`,
    `VERSION_ID=${version}`,
    `PRETTY_NAME="corekube lab machine shaped like Flatcar Container Linux ${version}"`,
    "",
  ].join("\n");
}

/** Paths of all files below a folder, sorted. */
function filesBelow(folder: string, below = ""): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(below, entry.name);
      return entry.isDirectory() ? filesBelow(folder, path) : [path];
    })
    .sort();
}
