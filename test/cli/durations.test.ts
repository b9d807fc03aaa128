/** How long a run will take: the figures, and what they make of a preview. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withBlock } from "../../bench/document.js";
import { durationsTable } from "../../bench/durations.js";
import { about, kindsOf, restSeconds, withDurations, type Kind } from "../../cli/plans/durations.js";
import { changesOf, previewed } from "../../cli/plans/fromEvents.js";
import type { Plan, PlanName } from "../../cli/plans/names.js";
import { planOf } from "../../cli/plans/plan.js";
import { renderPlan } from "../../cli/plans/render.js";
import type { Topology } from "../../cli/plans/topology.js";
import type { EngineEvent } from "../../engine/events.js";
import { projectDirectory } from "../../lab/config.js";
import { urn } from "./support.js";

const benchmarks = readFileSync(join(projectDirectory, "docs", "benchmarks.md"), "utf8");

type Role = Topology["machines"][number]["role"];
const cluster = (counts: Partial<Record<Role, number>>, atOnce = 1): Topology => ({
  machines: Object.entries(counts).flatMap(([role, count]) =>
    Array.from({ length: count }, (_, index) => ({ name: `k-${role}-${index}`, role: role as Role })),
  ),
  addons: [{ name: "kube-proxy", early: true }],
  loadBalancers: true,
  atOnce,
});

const typeOf = (name: string): string => `corekube:machine:${/-(etcd|controller)-/.test(name) ? "Delivery" : "Join"}`;
const event = (name: string, op: string, more: object = {}, type = typeOf(name)): EngineEvent => ({
  resourcePreEvent: { metadata: { op, type, urn: urn({ type, name }), ...more } },
});
const configured = (name: string): EngineEvent => event(name, "update", { diffs: ["configuration"] });

function shown(topology: Topology, events: readonly EngineEvent[], name: PlanName = "update"): Plan {
  const urns = topology.machines.map((machine) => urn({ type: typeOf(machine.name), name: machine.name }));
  const plan = planOf(name, topology, previewed(urns, changesOf(events)), true);
  return withDurations(plan, kindsOf(events));
}

const phase = (plan: Plan, name: string) => plan.phases.find((each) => each.name === name)!;

const release = (before: string, after: string): EngineEvent =>
  event(
    "started",
    "update",
    { old: { inputs: { nodeVersion: before } }, new: { inputs: { nodeVersion: after } } },
    "corekube:cluster:Releases",
  );

/** Upgrades of docs/benchmarks.md: what changed, and the seconds that they took. */
const upgrades: readonly (readonly [string, Topology, (machine: string) => boolean, EngineEvent[], number])[] = (() => {
  const three = cluster({ etcd: 3, controller: 3, worker: 2, public: 1 });
  const single = cluster({ etcd: 1, controller: 1, worker: 2 });
  return [
    ["a minor version that the control plane emulates", three, (name) => name.includes("controller"), [], 195],
    ["a minor version at once", three, () => true, [release("1.35.4", "1.36.1")], 320],
    ["a patch", three, (name) => !name.includes("etcd"), [release("1.36.1", "1.36.3")], 227],
    ["a patch of one controller", single, (name) => !name.includes("etcd"), [release("1.36.1", "1.36.3")], 110],
  ];
})();

describe("durations of a plan", () => {
  it("docs/benchmarks.md has the figures; npx tsx bench/durations.ts writes them", () => {
    assert.equal(benchmarks, withBlock(benchmarks, "durations", durationsTable(), "docs/benchmarks.md"));
  });

  for (const [what, topology, changes, more, took] of upgrades)
    it(`are those of a run that was measured: ${what}, ${took} s`, () => {
      if (took !== 110) assert.ok(benchmarks.includes(`| ${took} |`), "docs/benchmarks.md has it");
      const machines = topology.machines.map(({ name }) => name).filter(changes);
      const { seconds } = shown(topology, [...more, ...machines.map(configured)]);
      assert.ok(seconds !== undefined && Math.abs(seconds / took - 1) < 0.15, `${seconds} s`);
    });

  it("of machines in turn add up, of a batch count once, and a machine counts once for all its parts", () => {
    const changed = ["k-controller-0", "k-controller-1", "k-worker-0", "k-worker-1", "k-worker-2"].map(configured);
    const one = shown(cluster({ controller: 2, worker: 3 }), changed);
    assert.deepEqual(
      ["apiserver", "scheduler", "node"].map((name) => phase(one, name).seconds),
      [2 * 57, undefined, 3 * 9],
    );
    assert.equal(one.seconds, 2 * 57 + 3 * 9 + restSeconds);
    assert.deepEqual(
      phase(one, "node").steps.map(({ part, seconds }) => [part, seconds]),
      [0, 1, 2].flatMap(() => [
        ["kubelet", 9],
        ["kube-proxy", undefined],
      ]),
    );
    assert.equal(phase(shown(cluster({ worker: 3 }, 2), changed), "node").seconds, 2 * 9);
  });

  it("of machines that are made or removed count once: they wait for no turn", () => {
    const events = [0, 1, 2].map((index) => event(`k-worker-${index}`, "create"));
    assert.equal(phase(shown(cluster({ worker: 3 }), events), "node").seconds, 36);
    const all = [...events, event("k-public-0", "create")];
    assert.equal(shown(cluster({ worker: 3, public: 1 }), all, "deploy").seconds, 36 + restSeconds);
    const mixed = [events[0]!, configured("k-worker-1"), event("k-worker-2", "delete")];
    assert.equal(phase(shown(cluster({ worker: 3 }), mixed), "node").seconds, 36 + 9);
  });

  const kinds: readonly (readonly [string, EngineEvent[], Kind | undefined])[] = [
    ["a configuration", [configured("k-worker-0")], "changed"],
    ["a kubelet of another minor version", [release("1.35.4", "1.36.1"), configured("k-worker-0")], "upgraded"],
    ["a patch", [release("1.36.1", "1.36.3"), configured("k-worker-0")], "changed"],
    ["files", [event("k-worker-0", "update", { detailedDiff: { 'files["server.crt"]': {} } })], "renewed"],
    ["what needs no restart", [event("k-worker-0", "update", { diffs: ["labels"] })], undefined],
    [
      "another machine",
      [
        event("k-worker-0", "delete-replaced"),
        event("k-worker-0", "replace"),
        event("k-worker-0", "create-replacement"),
      ],
      "replaced",
    ],
    ["nothing", [event("k-worker-0", "same")], undefined],
    ["a tag", [event("k-worker-0", "update", { diffs: ["tags"] }, "digitalocean:index/droplet:Droplet")], undefined],
  ];
  for (const [what, events, kind] of kinds)
    it(`tell ${what}: ${kind ?? "no time"}`, () => assert.equal(kindsOf(events).get("k-worker-0"), kind));

  it("are shown with the run, its phases and machines, and what they are; without changes, and for uninstall, there are none", () => {
    const topology = cluster({ etcd: 1, controller: 3, worker: 1 });
    const lines = renderPlan(
      shown(topology, ["k-controller-0", "k-controller-1", "k-controller-2"].map(configured)),
    ).split("\n");
    assert.equal(lines[0], "update (serial strategy) (WAITING) about 3 min");
    assert.ok(lines.includes("├─ apiserver (serial strategy) (PENDING) about 3 min"));
    assert.ok(lines.includes("│  ├─ k-controller-0:[kube-apiserver] (PENDING) change, about 55 s"), lines.join("\n"));
    assert.match(lines.at(-1)!, /took in the lab.*a drain takes what its pods need/);
    for (const plan of [shown(topology, []), shown(topology, [event("k-worker-0", "delete")], "uninstall")])
      assert.doesNotMatch(renderPlan(plan), /about|lab/);
  });

  it("are rounded as people say them", () => {
    assert.deepEqual([1, 57, 99, 100, 296, 5999, 9025].map(about), [
      ...["about 5 s", "about 55 s", "about 100 s", "about 2 min", "about 5 min", "about 100 min", "about 2.5 h"],
    ]);
  });
});
