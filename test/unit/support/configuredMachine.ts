/** A machine's disk in a folder of the test, on which the script that changes configurations runs for real, in a mount namespace of its own. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { place } from "../../../components/nodeconfig/base/placement.js";
import type { NodeConfig, NodeFile } from "../../../components/nodeconfig/base/types.js";
import { configurationOf } from "../../../components/nodeconfig/configuration.js";
import { applyScript, settleSeconds } from "../../../provider/machine/applyScript.js";

/** Of the machine; its programs are this machine's. */
const folders = ["etc", "opt", "run"] as const;
const configurations = "/etc/corekube/configurations";

export class ConfiguredMachine {
  readonly folder = mkdtempSync(join(tmpdir(), "corekube-configured-"));

  constructor() {
    for (const name of folders) mkdirSync(join(this.folder, name));
    mkdirSync(join(this.folder, "bin"));
    this.program("systemctl", `echo "$*" >>/run/calls; case "$*" in *NRestarts*) echo 0 ;; show*) echo active ;; esac`);
    for (const name of ["networkctl", "udevadm", "update-ssh-keys", "ctr"])
      this.program(name, `echo "${name} $*" >>/run/calls`);
    this.program("sleep", ":");
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  path(path: string): string {
    return join(this.folder, path);
  }

  /** Before all others on the PATH. */
  program(name: string, body: string): void {
    writeFileSync(join(this.folder, "bin", name), `#!/bin/bash\n${body}\n`, { mode: 0o755 });
  }

  /** As Ignition does it. */
  firstBoot(config: NodeConfig): string {
    const { digest } = configurationOf(config);
    writeConfiguration(this.folder, config, digest, true);
    return digest;
  }

  /** What a delivery leaves: the configuration beside the current one, and the record that asks for it. */
  deliver(config: NodeConfig, served: "unknown" | "yes" | "no" = "unknown"): string {
    const { digest } = configurationOf(config);
    const to = `${digest}.abc123`;
    writeConfiguration(this.folder, config, to, false);
    writeFileSync(this.path("/etc/corekube/change"), `${this.current} ${to} ${served}\n`);
    return to;
  }

  /** Carries the change out. With a time limit of seconds. */
  change(): { readonly code: number | null; readonly output: string; readonly result: string } {
    const { code, output } = this.#run(applyScript.replaceAll(`< ${settleSeconds}`, "< 9"), []);
    return { code, output, result: readFileSync(this.path("/etc/corekube/changed"), "utf8").trim() };
  }

  verify(): string {
    return this.#run(applyScript, ["verify"]).output.trim();
  }

  /** Undefined if the path leads nowhere. */
  seen(path: string): string | undefined {
    const { status, stdout } = this.#inside(["cat", path]);
    return status === 0 ? stdout : undefined;
  }

  get current(): string {
    return readlinkSync(this.path("/etc/corekube/current")).slice(configurations.length + 1);
  }

  get calls(): string[] {
    const log = this.path("/run/calls");
    return existsSync(log)
      ? readFileSync(log, "utf8")
          .trim()
          .split("\n")
          .filter((line) => !line.startsWith("show"))
      : [];
  }

  has(path: string): boolean {
    return lstatSync(this.path(path), { throwIfNoEntry: false }) !== undefined;
  }

  #run(script: string, args: readonly string[]): { readonly code: number | null; readonly output: string } {
    writeFileSync(this.path("/run/apply"), script, { mode: 0o755 });
    const { status, stdout, stderr } = this.#inside(["bash", "/run/apply", ...args]);
    return { code: status, output: stdout + stderr };
  }

  #inside(command: readonly string[]) {
    const mounts = folders.map((name) => `mount --bind "$0/${name}" /${name}`).join(" && ");
    return spawnSync(
      "unshare",
      [
        "--mount",
        "--propagation",
        "private",
        "bash",
        "-c",
        `${mounts} && PATH="$0/bin:$PATH" && export PATH && exec "$@"`,
        this.folder,
        ...command,
      ],
      { encoding: "utf8", timeout: 60_000 },
    );
  }
}

/** Writes a configuration below a folder. @param outside With the paths that lead into it, as Ignition does at the first boot. */
export function writeConfiguration(folder: string, config: NodeConfig, name: string, outside: boolean): void {
  const placed = place(config, name);
  const wanted = ({ path }: { readonly path: string }): boolean => outside || path.startsWith(`${configurations}/`);
  const at = (path: string): string => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    return join(folder, path);
  };
  for (const { path, mode } of placed.directories) mkdirSync(join(folder, path), { recursive: true, mode });
  for (const { path, mode, contents } of placed.files.filter(wanted)) writeFileSync(at(path), contents, { mode });
  for (const { path, target } of placed.links.filter(wanted)) symlinkSync(target, at(path));
}

/** An executable script of the program's on a machine. */
export const machineScript = (name: string, body: string): NodeFile => ({
  path: `/opt/corekube/bin/${name}`,
  mode: 0o755,
  contents: `#!/bin/bash\n${body}\n`,
});
