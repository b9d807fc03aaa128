/** Runs the scripts of machines for real, with every folder of the machine below one of the test's. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cloudNamed } from "../../../components/clouds.js";
import { nodeConfig } from "../../../components/nodeconfig/index.js";
import type { ClusterSpec, Role } from "../../../components/spec/cluster.js";

export interface Result {
  readonly code: number | null;
  readonly output: string;
}

/** All scripts of a machine. */
export const scripts = (spec: ClusterSpec, role: Role) =>
  nodeConfig(spec, role, cloudNamed(spec.cloud).profile).files.filter(({ path }) =>
    path.startsWith("/opt/corekube/bin/"),
  );

/** One for each test of the suite that calls this. */
export function scriptFolder(): ScriptFolder {
  const machine = new ScriptFolder();
  beforeEach(() => machine.create());
  afterEach(() => machine.remove());
  return machine;
}

/** In place of a machine. */
export class ScriptFolder {
  path = "";

  create(): void {
    this.path = mkdtempSync(join(tmpdir(), "corekube-scripts-"));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** The script of a machine, with every folder of the machine below this one. */
  readonly local = (
    spec: ClusterSpec,
    role: Role,
    name: string,
    change: (text: string) => string = (text) => text,
  ): string => {
    const found = scripts(spec, role).find(({ path }) => path.endsWith(`/${name}`));
    assert.ok(found, name);
    const file = join(this.path, name);
    // The kernel's own stays as it is.
    const limit = join(this.path, "nf_conntrack_max");
    writeFileSync(limit, "1048576\n");
    const contents = found.contents.replaceAll("/proc/sys/net/netfilter/nf_conntrack_max", limit);
    writeFileSync(file, change(contents).replace(/(?<![\w/.:-])\/(opt|etc|run|var)\//g, `${this.path}/$1/`), {
      mode: 0o755,
    });
    return file;
  };

  /** The links of a machine's configuration to its programs, without the configuration between. */
  readonly link = (spec: ClusterSpec, role: Role): void => {
    for (const { path, target } of nodeConfig(spec, role, cloudNamed(spec.cloud).profile).links) {
      mkdirSync(dirname(this.path + path), { recursive: true });
      rmSync(this.path + path, { force: true });
      symlinkSync(this.path + target, this.path + path);
    }
  };

  readonly run = async (file: string, env: Readonly<Record<string, string>> = {}): Promise<Result> => {
    const child = spawn("bash", [file], { env: { PATH: `${this.path}/bin:${process.env["PATH"]}`, ...env } });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, output };
  };

  /** A program before all others on the PATH. */
  readonly fake = (name: string, body: string): void => {
    mkdirSync(join(this.path, "bin"), { recursive: true });
    writeFileSync(join(this.path, "bin", name), `#!/bin/bash\n${body}\n`, { mode: 0o755 });
    chmodSync(join(this.path, "bin", name), 0o755);
  };
}
