import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChosenReleases } from "../../components/spec/cluster.js";
import { chooseReleases, type RecordedReleases } from "../../components/spec/upgrade.js";
import { newestVersion } from "../../components/spec/versions.js";

const versions = ["1.34.9", "1.35.4", "1.35.9", "1.36.1", "1.36.3", "1.37.2"];

const plain = (version: string): ChosenReleases => ({ kubernetesVersion: version, nodeVersion: version });
const emulating = (version: string, nodeVersion: string): ChosenReleases => ({
  kubernetesVersion: version,
  nodeVersion,
  emulatedVersion: nodeVersion.split(".").slice(0, 2).join("."),
});
const settled = (releases: ChosenReleases): RecordedReleases => ({ started: releases, finished: releases });

/** Where a cluster may stand, and what its settings ask for. */
const nothing: RecordedReleases = {};
const creating: RecordedReleases = { started: plain("1.35.4") };
const at35 = settled(plain("1.35.4"));
const at36 = settled(plain("1.36.3"));
const patching: RecordedReleases = { started: plain("1.35.9"), finished: plain("1.35.4") };
const goingUp: RecordedReleases = { started: plain("1.36.3"), finished: plain("1.35.4") };
const emulatingUp: RecordedReleases = { started: emulating("1.36.3", "1.35.4"), finished: plain("1.35.4") };
const emulated = settled(emulating("1.36.3", "1.35.4"));
const goingBack: RecordedReleases = { started: plain("1.35.4"), finished: emulating("1.36.3", "1.35.4") };
const finishing: RecordedReleases = { started: plain("1.36.3"), finished: emulating("1.36.3", "1.35.4") };

const choose = (recorded: RecordedReleases, asked: string, emulate = "") =>
  chooseReleases({ kubernetes_version: asked, emulated_version: emulate }, recorded, versions);

type Accepted = readonly [what: string, RecordedReleases, asked: string, emulate: string, ChosenReleases];

const accepted: readonly Accepted[] = [
  ["the newest for a new cluster", nothing, "", "", plain("1.37.2")],
  ["any for a new cluster", nothing, "1.34.9", "", plain("1.34.9")],
  ["what the cluster has, by default, though there are newer ones", at35, "", "", plain("1.35.4")],
  ["a newer patch", at35, "1.35.9", "", plain("1.35.9")],
  ["an older patch", at36, "1.36.1", "", plain("1.36.1")],
  ["the patch before, half-way", patching, "1.35.4", "", plain("1.35.4")],
  ["the next minor, half-way through a patch", patching, "1.36.1", "", plain("1.36.1")],
  ["a patch of a cluster that is not complete yet", creating, "1.35.9", "", plain("1.35.9")],
  ["the next minor", at35, "1.36.1", "", plain("1.36.1")],
  ["the next minor, emulated", at35, "1.36.3", "1.35", emulating("1.36.3", "1.35.4")],
  ["the next minor, emulated, with the nodes' newest patch", patching, "1.36.3", "1.35", emulating("1.36.3", "1.35.9")],
  ["to go on", goingUp, "1.36.3", "", plain("1.36.3")],
  ["to go on, by default", goingUp, "", "", plain("1.36.3")],
  ["to go on with another patch", goingUp, "1.36.1", "", plain("1.36.1")],
  ["to go on, emulated", emulatingUp, "1.36.3", "1.35", emulating("1.36.3", "1.35.4")],
  ["to go back half-way, emulated", emulatingUp, "1.35.4", "", plain("1.35.4")],
  ["to finish half-way, which is the same as without emulation", emulatingUp, "1.36.3", "", plain("1.36.3")],
  ["to stay emulated", emulated, "1.36.3", "1.35", emulating("1.36.3", "1.35.4")],
  ["another patch while emulated", emulated, "1.36.1", "1.35", emulating("1.36.1", "1.35.4")],
  ["to go back", emulated, "1.35.4", "", plain("1.35.4")],
  ["to finish", emulated, "1.36.3", "", plain("1.36.3")],
  ["to finish, by default", emulated, "", "", plain("1.36.3")],
  ["to go on back", goingBack, "1.35.4", "", plain("1.35.4")],
  ["to go forward again, half-way back", goingBack, "1.36.3", "1.35", emulating("1.36.3", "1.35.4")],
  ["to go on finishing", finishing, "1.36.3", "", plain("1.36.3")],
  [
    "what a refresh or an older program has recorded for the first time",
    { started: plain("1.36.1") },
    "",
    "",
    plain("1.36.1"),
  ],
];

type Refused = readonly [
  what: string,
  RecordedReleases,
  asked: string,
  emulate: string,
  path: string,
  got: string,
  reason: string,
  fix: string,
];

const refused: readonly Refused[] = [
  [
    "a version that nobody has",
    nothing,
    "1.36.9",
    "",
    "kubernetes_version",
    "1.36.9",
    "1.34.9, 1.35.4, 1.35.9, 1.36.1, 1.36.3, 1.37.2: the releases of this checkout",
    "Set it: pulumi config set kubernetes_version 1.37.2",
  ],
  [
    "emulation on a new cluster",
    nothing,
    "1.36.3",
    "1.35",
    "emulated_version",
    "1.35",
    "no value; a new cluster has no version before",
    "Remove it: pulumi config rm emulated_version",
  ],
  [
    "a recorded version that this checkout does not have",
    settled(plain("1.35.2")),
    "",
    "",
    "kubernetes_version",
    "1.35.2",
    "the cluster has 1.35.2, of which this checkout has no checksums",
    "Use the checkout that has it: git checkout",
  ],
  [
    "the same, when it is set",
    settled(plain("1.35.2")),
    "1.35.2",
    "",
    "kubernetes_version",
    "1.35.2",
    "of which this checkout has no checksums",
    "Use the checkout that has it: git checkout",
  ],
  [
    "emulation whose nodes would keep a version that this checkout does not have",
    settled(plain("1.35.2")),
    "1.36.3",
    "1.35",
    "kubernetes_version",
    "1.35.2",
    "of which this checkout has no checksums",
    "Use the checkout that has it: git checkout",
  ],
  [
    "two minors at once",
    at35,
    "1.37.2",
    "",
    "kubernetes_version",
    "1.37.2",
    "1.35.4, 1.35.9, 1.36.1, 1.36.3; one minor version changes at a time",
    "this is the next: pulumi config set kubernetes_version 1.36.3 && pulumi up",
  ],
  [
    "two minors at once, where the checkout does not have the one between",
    settled(plain("1.32.1")),
    "1.35.4",
    "",
    "kubernetes_version",
    "1.35.4",
    "a release of 1.32, which this checkout does not have",
    "Use the checkout that has the next one: git checkout",
  ],
  [
    "a minor down when it is finished",
    at36,
    "1.35.4",
    "",
    "kubernetes_version",
    "1.35.4",
    "1.36.1, 1.36.3, 1.37.2; all machines have 1.36: a minor version can be taken back only while",
    "Keep it: pulumi config set kubernetes_version 1.36.3. To run 1.35, create a second cluster",
  ],
  [
    "another minor before the cluster is complete",
    creating,
    "1.36.3",
    "",
    "kubernetes_version",
    "1.36.3",
    "1.35.4, 1.35.9; the cluster's creation has not ended",
    "End it first: pulumi config set kubernetes_version 1.35.4 && pulumi up",
  ],
  [
    "emulation before the cluster is complete",
    creating,
    "1.35.4",
    "1.34",
    "emulated_version",
    "1.34",
    "no value; the cluster has 1.35",
    "Remove it: pulumi config rm emulated_version",
  ],
  [
    "the minor after the next, half-way",
    goingUp,
    "1.37.2",
    "",
    "kubernetes_version",
    "1.37.2",
    "1.36.1, 1.36.3; the change from 1.35 to 1.36 is not finished",
    "Finish it first: pulumi config set kubernetes_version 1.36.3 && pulumi up",
  ],
  [
    "the minor after the next while emulated",
    emulated,
    "1.37.2",
    "1.36",
    "kubernetes_version",
    "1.37.2",
    "the change from 1.35 to 1.36 is not finished",
    "pulumi config set kubernetes_version 1.36.3 && pulumi config rm emulated_version && pulumi up",
  ],
  [
    "to go back half-way without emulation",
    goingUp,
    "1.35.4",
    "",
    "kubernetes_version",
    "1.35.4",
    "1.36.1, 1.36.3; the change from 1.35 to 1.36 has begun to reach machines without emulation",
    "Go on with it: pulumi config set kubernetes_version 1.36.3 && pulumi up",
  ],
  [
    "to go back half-way through finishing",
    finishing,
    "1.35.4",
    "",
    "kubernetes_version",
    "1.35.4",
    "or is being finished: 1.35 may not be able to read what they have written since",
    "Go on with it: pulumi config set kubernetes_version 1.36.3 && pulumi up",
  ],
  [
    "to go back by two",
    emulated,
    "1.34.9",
    "",
    "kubernetes_version",
    "1.34.9",
    "1.35.4, 1.35.9, 1.36.1, 1.36.3; the change from 1.35 to 1.36 can be taken back, but no further",
    "Keep it: pulumi config set kubernetes_version 1.36.3",
  ],
  [
    "to emulate when the change is finished",
    at36,
    "1.36.3",
    "1.35",
    "emulated_version",
    "1.35",
    "no value; the cluster has 1.36 on all machines",
    "pulumi config rm emulated_version",
  ],
  [
    "to emulate half-way through a change without",
    goingUp,
    "1.36.3",
    "1.35",
    "emulated_version",
    "1.35",
    "no value; the change to 1.36 goes on without emulation",
    "pulumi config rm emulated_version",
  ],
  [
    "to emulate again while it is being finished",
    finishing,
    "1.36.3",
    "1.35",
    "emulated_version",
    "1.35",
    "or is being finished",
    "pulumi config rm emulated_version",
  ],
  [
    "to go back and emulate",
    emulated,
    "1.35.4",
    "1.35",
    "emulated_version",
    "1.35",
    "takes the change back",
    "pulumi config rm emulated_version",
  ],
  [
    "another minor than the one before",
    at35,
    "1.36.3",
    "1.34",
    "emulated_version",
    "1.34",
    "1.35, the minor version before that of kubernetes_version 1.36.3",
    "pulumi config set emulated_version 1.35",
  ],
  [
    "the version itself as the emulated one",
    at35,
    "1.36.3",
    "1.36",
    "emulated_version",
    "1.36",
    "1.35, the minor version before",
    "pulumi config set emulated_version 1.35",
  ],
  [
    "another emulated version while emulated, whose removal would finish the change",
    emulated,
    "1.36.3",
    "1.34",
    "emulated_version",
    "1.34",
    "1.35, the minor version before",
    "pulumi config set emulated_version 1.35",
  ],
];

describe("the releases of a cluster", () => {
  for (const [what, recorded, asked, emulate, expected] of accepted)
    it(`are ${what}`, () => assert.deepEqual(choose(recorded, asked, emulate), { releases: expected }));

  for (const [what, recorded, asked, emulate, path, got, reason, fix] of refused)
    it(`are not ${what}`, () => {
      const choice = choose(recorded, asked, emulate);
      if (!("problem" in choice)) return assert.fail(JSON.stringify(choice));
      assert.deepEqual([choice.problem.path, choice.problem.got], [path, got]);
      assert.ok(choice.problem.allowed.includes(reason), choice.problem.allowed);
      assert.ok(choice.problem.fix?.includes(fix), choice.problem.fix);
    });

  it("come from this checkout's own catalogue", () => {
    const { releases } = chooseReleases({ kubernetes_version: "", emulated_version: "" }) as {
      releases: ChosenReleases;
    };
    assert.deepEqual(releases, plain(newestVersion));
  });

  it("never let nodes be newer than the control plane, or more than one minor older, whatever is asked in which order", () => {
    const minor = (version: string): number => Number(version.split(".")[1]);
    const steps = versions.flatMap((version) =>
      ["", "1.34", "1.35", "1.36"].map((emulate) => [version, emulate] as const),
    );
    const seen = new Set<string>();
    const visit = (recorded: RecordedReleases): void => {
      const key = JSON.stringify(recorded);
      if (seen.has(key)) return;
      seen.add(key);
      for (const [version, emulate] of steps) {
        const choice = choose(recorded, version, emulate);
        if (!("releases" in choice)) continue;
        const { releases } = choice;
        // Machines may have what was begun before, what is finished, and what is chosen now.
        const may = [releases, recorded.started, recorded.finished].filter((each) => each !== undefined);
        const nodes = may.map(({ nodeVersion }) => minor(nodeVersion));
        const behaving = may.map(({ kubernetesVersion, emulatedVersion }) =>
          minor(emulatedVersion ?? kubernetesVersion),
        );
        const spread = Math.max(...nodes, ...behaving) - Math.min(...nodes, ...behaving);
        assert.ok(spread <= 1, `${key} ${version} ${emulate}`);
        if (emulate !== "") assert.equal(minor(releases.nodeVersion), minor(`${emulate}.0`));
        visit({ ...recorded, started: releases });
        visit({ started: releases, finished: releases });
      }
    };
    visit(nothing);
    assert.ok(seen.size > 30, String(seen.size));
  });

  it("are had again from a checkout that a command finds", function () {
    this.timeout(20_000);
    const folder = mkdtempSync(join(tmpdir(), "corekube-versions-"));
    const sh = (command: string) => {
      const { status, stdout, stderr } = spawnSync("bash", ["-ec", command], { cwd: folder, encoding: "utf8" });
      assert.equal(status, 0, stderr);
      return stdout.trim();
    };
    const commit = (files: readonly string[]) => {
      rmSync(join(folder, "versions"), { recursive: true, force: true });
      mkdirSync(join(folder, "versions"));
      for (const file of files) writeFileSync(join(folder, "versions", file), `{"kubernetes": "${file}"}\n`);
      return sh("git add -A; git -c user.name=t -c user.email=t@example.com commit -qm versions; git rev-parse HEAD");
    };
    const commandFor = (recorded: RecordedReleases, asked: string) => {
      const choice = choose(recorded, asked);
      const fix = "problem" in choice ? choice.problem.fix : assert.fail(JSON.stringify(choice));
      return /git checkout "\$\(.*?\)"/.exec(fix ?? "")?.[0] ?? assert.fail(fix);
    };
    try {
      sh("git init -q -b main");
      commit(["1.33.1.json"]);
      const wanted = commit(["1.33.1.json", "1.35.2.json"]);
      commit(["1.35.4.json"]);
      sh(commandFor(settled(plain("1.35.2")), ""));
      assert.equal(sh("git rev-parse HEAD"), wanted);
      sh("git checkout -q main");
      sh(commandFor(settled(plain("1.32.1")), "1.35.4"));
      assert.equal(sh("git rev-parse HEAD"), wanted);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
