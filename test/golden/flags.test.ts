/** Every flag and every field that user-data gives to a program, before that very program. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { labConfig } from "../../lab/config.js";
import { plainProgress } from "../../lab/progress.js";
import { ensureTools, toolPath } from "../../lab/toolchain/index.js";
import type { Role } from "../../components/spec/cluster.js";
import { fileText, parseUserData, standsFor } from "./support/decode.js";
import { userData } from "./support/specs.js";

const config = labConfig();

function run(name: string, args: readonly string[]): string {
  const path = toolPath(config, name);
  const { stdout, stderr } = spawnSync(path, args, { encoding: "utf8", timeout: 15_000 });
  return stdout + stderr;
}

function knownFlags(name: string): Set<string> {
  return new Set([...run(name, ["--help"]).matchAll(/^\s+(?:-\w, )?--([a-z0-9-]+)/gm)].map((match) => match[1]!));
}

const textOf = (role: Role, path: string): string => {
  const { storage } = parseUserData(userData("ha", role));
  const file = storage.files.find((candidate) => standsFor(candidate.path) === path);
  assert.ok(file, `${role} has no ${path}`);
  return fileText(file.contents.source);
};

function flagsOfUnit(role: Role, name: string): string[] {
  return [...textOf(role, `/etc/systemd/system/${name}`).matchAll(/\s--([a-z0-9-]+)/g)].map((match) => match[1]!);
}

function flagsOfPod(name: string): string[] {
  const pod = parse(textOf("controller", `/etc/corekube/manifests/${name}.yaml`)) as {
    spec: { containers: { command: string[] }[] };
  };
  return pod.spec.containers[0]!.command.slice(1).map((flag) => /^--([a-z0-9-]+)=/.exec(flag)?.[1] ?? flag);
}

describe("programs", function () {
  this.timeout(60_000);
  before(async function () {
    // Built or downloaded, if they are missing.
    this.timeout(1_200_000);
    const programs = ["etcd", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
    await ensureTools(config, programs, plainProgress());
  });

  const cases: readonly (readonly [string, string, () => string[]])[] = [
    ["etcd", "of a member", () => flagsOfUnit("etcd", "etcd.service")],
    ["kubelet", "of a controller", () => flagsOfUnit("controller", "kubelet.service")],
    ["kubelet", "of a worker", () => flagsOfUnit("worker", "kubelet.service")],
    ...["kube-apiserver", "kube-controller-manager", "kube-scheduler"].map(
      (name) => [name, "of its pod", () => flagsOfPod(name)] as const,
    ),
  ];
  for (const [program, whose, flags] of cases) {
    it(`${program} knows every flag ${whose}`, () => {
      const known = knownFlags(program);
      assert.ok(known.size > 20, `${program} --help lists ${known.size} flags`);
      assert.ok(flags().length > 5);
      assert.deepEqual(
        flags().filter((flag) => !known.has(flag)),
        [],
      );
    });
  }

  for (const role of ["controller", "worker"] as const) {
    it(`kubelet takes the configuration of a ${role}, every field of it`, () => {
      const folder = mkdtempSync(join(tmpdir(), "corekube-kubelet-"));
      try {
        const file = join(folder, "kubelet.yaml");
        const kubelet = (text: string): string => {
          writeFileSync(file, text);
          // Stops at the first file that is missing, which comes after the configuration.
          return run("kubelet", [
            `--config=${file}`,
            `--root-dir=${folder}`,
            `--cert-dir=${folder}`,
            `--kubeconfig=${folder}/none`,
            `--bootstrap-kubeconfig=${folder}/none`,
          ]);
        };
        // The machine that runs the tests may have the older control groups, which ours never have.
        const text = `${textOf(role, "/etc/corekube/kubelet.yaml").replace("${RESOLV_CONF}", "/etc/resolv.conf")}failCgroupV1: false\n`;
        const wrong =
          /strict decoding error|unknown field|failed to load kubelet config|failed to validate kubelet configuration|invalid configuration/i;
        const answer = kubelet(text);
        assert.doesNotMatch(answer, wrong);
        assert.match(answer, new RegExp(`${folder}/none`));
        assert.match(kubelet(`${text}notAField: 1\n`), wrong);
        assert.match(kubelet(`${text.replace("podPidsLimit: 4096", "podPidsLimit: -7")}maxOpenFiles: -1\n`), wrong);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});
