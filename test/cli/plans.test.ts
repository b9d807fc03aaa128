/** Plans: from resources and events to a tree. */
import assert from "node:assert/strict";
import type { EngineEvent } from "../../engine/events.js";
import { changesOf, previewed, RunProgress } from "../../cli/plans/fromEvents.js";
import { outdatedMachines, progressOf } from "../../cli/plans/fromState.js";
import type { Plan, PlanName } from "../../cli/plans/names.js";
import { planOf } from "../../cli/plans/plan.js";
import { renderPlan } from "../../cli/plans/render.js";
import { plannedTopology, refOf, together, type Topology, topologyOf } from "../../cli/plans/topology.js";
import { planSettings } from "../../cli/settings.js";
import { readState } from "../../cli/state.js";
import { exported, type Resource, urn } from "./support.js";

const types = {
  droplet: "digitalocean:index/droplet:Droplet",
  delivery: "corekube:machine:Delivery",
  join: "corekube:machine:Join",
  configuration: "corekube:machine:Configuration",
  daemonSet: "kubernetes:apps/v1:DaemonSet",
  deployment: "kubernetes:apps/v1:Deployment",
};

/** Two members, a controller, two workers; kube-proxy. */
const topology: Topology = {
  machines: ["etcd-0", "etcd-1", "controller-0", "worker-0", "worker-1"].map((name) => ({
    name: `k-${name}`,
    role: name.slice(0, -2) as "etcd",
  })),
  addons: [{ name: "kube-proxy", early: true }],
  loadBalancers: false,
  atOnce: 2,
};

const machine = (name: string): Resource => ({ type: types.droplet, name });
const delivery = (name: string, outputs: object = { digest: "sha256:0", configuration: "old" }): Resource => ({
  type: types.delivery,
  name,
  outputs,
});
const join = (name: string): Resource => ({
  type: types.join,
  name,
  outputs: { nodeName: name, configuration: "old" },
});
const proxy: Resource = { type: types.daemonSet, name: "k-kube-proxy", within: ["corekube:addons:NodeAddons"] };
const wanted = (role: string, digest: string): Resource => ({
  type: types.configuration,
  name: `k-${role}`,
  inputs: { digest },
});

/** `<name>:[<part>]` to state and detail. */
const steps = (plan: Plan): Record<string, string> =>
  Object.fromEntries(
    plan.phases.flatMap((phase) =>
      phase.steps.map(({ name, part, state, detail }) => [`${name}:[${part}]`, detail ? `${state} ${detail}` : state]),
    ),
  );

interface Case {
  readonly what: string;
  readonly plan?: PlanName;
  readonly resources: readonly Resource[];
  readonly pending?: readonly object[];
  readonly active?: boolean;
  readonly since?: Date;
  readonly step: string;
  readonly is: string;
}

const operation = (type: string, resource: Resource): object => ({
  type,
  resource: { urn: urn(resource), type: resource.type, custom: true },
});

const cases: readonly Case[] = [
  { what: "nothing is there", resources: [], step: "k-etcd-0:[peer]", is: "PENDING" },
  {
    what: "the machine is there, and waits for its files",
    resources: [machine("k-etcd-0")],
    step: "k-etcd-0:[peer]",
    is: "STARTED",
  },
  {
    what: "the machine is being created",
    resources: [],
    pending: [operation("creating", machine("k-etcd-0"))],
    active: true,
    step: "k-etcd-0:[peer]",
    is: "STARTED being created",
  },
  {
    what: "a killed run was creating the machine",
    resources: [],
    pending: [operation("creating", machine("k-etcd-0"))],
    step: "k-etcd-0:[peer]",
    is: "ERROR interrupted while being created",
  },
  {
    what: "it serves",
    resources: [machine("k-etcd-0"), delivery("k-etcd-0")],
    step: "k-etcd-0:[peer]",
    is: "COMPLETE",
  },
  {
    what: "it did not come to serve, and the engine knows why",
    resources: [machine("k-etcd-0"), { ...delivery("k-etcd-0", {}), initErrors: ["etcd.service failed\nlog line"] }],
    step: "k-etcd-0:[peer]",
    is: "ERROR etcd.service failed",
  },
  {
    what: "it did not come to serve",
    resources: [machine("k-etcd-0"), delivery("k-etcd-0", {})],
    step: "k-etcd-0:[peer]",
    is: "ERROR it did not come to serve",
  },
  {
    what: "only its keys are there",
    resources: [{ type: "tls:index/privateKey:PrivateKey", name: "k-etcd-0" }],
    step: "k-etcd-0:[peer]",
    is: "PENDING",
  },
  {
    what: "the worker has joined, and there is no kube-proxy",
    resources: [machine("k-worker-0"), join("k-worker-0")],
    step: "k-worker-0:[kube-proxy]",
    is: "STARTED",
  },
  {
    what: "there are worker and kube-proxy",
    resources: [join("k-worker-0"), proxy],
    step: "k-worker-0:[kube-proxy]",
    is: "COMPLETE",
  },
  {
    what: "an update has not come to a member",
    plan: "update",
    resources: [machine("k-etcd-1"), delivery("k-etcd-1"), wanted("etcd", "new")],
    active: true,
    step: "k-etcd-1:[peer]",
    is: "PENDING its configuration differs",
  },
  {
    what: "an update has passed a member",
    plan: "update",
    resources: [
      machine("k-etcd-1"),
      delivery("k-etcd-1", { digest: "1", configuration: "new" }),
      wanted("etcd", "new"),
    ],
    active: true,
    step: "k-etcd-1:[peer]",
    is: "COMPLETE",
  },
  {
    what: "a member was deleted, to be made again",
    plan: "update",
    resources: [{ ...machine("k-etcd-1"), pendingReplacement: true }],
    active: true,
    step: "k-etcd-1:[peer]",
    is: "STARTED being replaced",
  },
  {
    what: "an uninstall has not begun",
    plan: "uninstall",
    resources: [machine("k-etcd-1")],
    step: "k-etcd-1:[peer]",
    is: "PENDING",
  },
  {
    what: "an uninstall removes the machine",
    plan: "uninstall",
    resources: [machine("k-etcd-1")],
    pending: [operation("deleting", machine("k-etcd-1"))],
    active: true,
    step: "k-etcd-1:[peer]",
    is: "STARTED",
  },
  {
    what: "an uninstall has removed it",
    plan: "uninstall",
    resources: [machine("k-etcd-0")],
    step: "k-etcd-1:[peer]",
    is: "COMPLETE",
  },
];

describe("a plan by the state", () => {
  for (const { what, plan = "deploy", resources, pending, active = false, since, step, is } of cases)
    it(`${plan}: ${what}`, () => {
      const progress = progressOf(plan, readState(exported(resources, {}, pending)), { active, since });
      assert.equal(steps(planOf(plan, topology, progress))[step], is);
    });

  it("takes the old half of a replacement for what it is", () =>
    assert.deepEqual(readState(exported([{ ...machine("k-etcd-0"), delete: true }])).resources.length, 1));

  it("names machines whose configuration differs, by their own role", () =>
    assert.deepEqual(
      outdatedMachines(
        readState(
          exported([
            wanted("etcd", "new"),
            wanted("worker", "old"),
            delivery("k-etcd-0"),
            delivery("k-etcd-1", { digest: "1", configuration: "new" }),
            join("k-worker-0"),
            delivery("other-thing-0"),
          ]),
        ),
      ),
      ["k-etcd-0"],
    ));
});

const event = (
  kind: "resourcePreEvent" | "resOutputsEvent" | "resOpFailedEvent",
  op: string,
  resource: Resource,
): EngineEvent => ({
  [kind]: { metadata: { op, urn: urn(resource), type: resource.type } },
});
const all = ["etcd-0", "etcd-1"].flatMap((name) => [machine(`k-${name}`), delivery(`k-${name}`)]);

describe("a plan by the engine's events", () => {
  const preview = [
    event("resourcePreEvent", "same", machine("k-etcd-0")),
    event("resourcePreEvent", "same", delivery("k-etcd-0")),
    ...["delete-replaced", "replace", "create-replacement"].map((op) =>
      event("resourcePreEvent", op, machine("k-etcd-1")),
    ),
    event("resourcePreEvent", "update", delivery("k-etcd-1")),
  ];

  it("shows what a preview would change as pending, the rest as complete", () => {
    const changes = changesOf(preview);
    assert.deepEqual(
      [...changes],
      [
        [urn(machine("k-etcd-1")), "replace"],
        [urn(delivery("k-etcd-1")), "change"],
      ],
    );
    const plan = planOf(
      "update",
      topology,
      previewed(
        all.map((each) => urn(each)),
        changes,
      ),
      true,
    );
    assert.equal(steps(plan)["k-etcd-0:[peer]"], "COMPLETE");
    assert.equal(steps(plan)["k-etcd-1:[peer]"], "PENDING replace");
    assert.deepEqual([plan.state, plan.phases[0]!.state], ["WAITING", "PENDING"]);
  });

  it("keeps a machine started from its deletion until it serves again", () => {
    const run = new RunProgress(
      all.map((each) => urn(each)),
      changesOf(preview),
    );
    const seen: string[] = [];
    const see = (...events: readonly EngineEvent[]): void => {
      events.forEach((each) => run.event(each));
      seen.push(steps(planOf("update", topology, run.resources()))["k-etcd-1:[peer]"]!.split(" ")[0]!);
    };
    const [m, d] = [machine("k-etcd-1"), delivery("k-etcd-1")];
    see();
    see(event("resourcePreEvent", "delete-replaced", d));
    see(event("resOutputsEvent", "delete-replaced", d));
    see(event("resourcePreEvent", "delete-replaced", m), event("resOutputsEvent", "delete-replaced", m));
    see(event("resourcePreEvent", "create-replacement", m), event("resOutputsEvent", "create-replacement", m));
    see(event("resourcePreEvent", "create-replacement", d));
    see(event("resOutputsEvent", "create-replacement", d));
    assert.deepEqual(seen, ["PENDING", "STARTED", "STARTED", "STARTED", "STARTED", "STARTED", "COMPLETE"]);
  });

  it("ends with the reason where a step failed, and leaves what comes after it pending", () => {
    const run = new RunProgress(
      all.map((each) => urn(each)),
      changesOf([...preview, event("resourcePreEvent", "update", delivery("k-etcd-0"))]),
    );
    run.event(event("resourcePreEvent", "update", delivery("k-etcd-0")));
    run.event({
      diagnosticEvent: {
        urn: urn(delivery("k-etcd-0")),
        severity: "error",
        message: "<{%fg 1%}>gate closed<{%reset%}>\nmore",
      },
    });
    run.event(event("resOpFailedEvent", "update", delivery("k-etcd-0")));
    const plan = planOf("update", topology, run.resources());
    assert.equal(steps(plan)["k-etcd-0:[peer]"], "ERROR gate closed");
    assert.equal(steps(plan)["k-etcd-1:[peer]"], "PENDING replace");
    assert.deepEqual([plan.state, plan.phases[0]!.state], ["ERROR", "ERROR"]);
  });

  it("takes back what a preview expected and the run found as it should be", () => {
    const run = new RunProgress([], changesOf([event("resourcePreEvent", "update", delivery("k-etcd-0"))]));
    run.event(event("resourcePreEvent", "same", delivery("k-etcd-0")));
    run.event(event("resOutputsEvent", "same", delivery("k-etcd-0")));
    assert.equal(steps(planOf("update", topology, run.resources()))["k-etcd-0:[peer]"], "COMPLETE");
  });
});

describe("the cluster that plans show", () => {
  const config = (values: Readonly<Record<string, string>>): Parameters<typeof planSettings>[0] =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`corekube:${key}`, { value, secret: false }]));

  it("follows from the settings: machines, load balancers, add-ons before and after the workers", () => {
    const small = plannedTopology(planSettings({}));
    assert.deepEqual(
      small.machines.map(({ name }) => name),
      ["kubernetes-etcd-0", "kubernetes-controller-0", "kubernetes-worker-0"],
    );
    assert.equal(small.loadBalancers, false);
    const large = plannedTopology(
      planSettings({
        ...config({
          cluster_name: "big",
          high_availability: "true",
          node_count: "2",
          public_node_count: "1",
          max_unavailable: "3",
          network_provider: "none",
        }),
        "corekube:etcd": { value: '{"count":5}', objectValue: { count: 5 }, secret: false },
      }),
    );
    assert.equal(large.machines.filter(({ role }) => role === "etcd").length, 5);
    assert.equal(large.machines.filter(({ role }) => role === "controller").length, 3);
    assert.deepEqual(
      large.machines.slice(-3).map(({ name }) => name),
      ["big-worker-0", "big-worker-1", "big-public-0"],
    );
    assert.deepEqual([large.loadBalancers, large.atOnce], [true, 3]);
    assert.ok(!large.addons.some(({ name }) => name.includes("flannel")));
    assert.deepEqual(
      large.addons.find(({ name }) => name === "coredns"),
      { name: "coredns", early: false },
    );
  });

  it("has the add-ons that are chosen, whatever form their numbers have in the stack's file", () => {
    const chosen = { dashboard: { enabled: true, cpus: "0.2" }, metrics_server: { enabled: false } };
    const addons = { value: JSON.stringify(chosen), objectValue: chosen, secret: false };
    const names = plannedTopology(planSettings({ "corekube:addons": addons })).addons.map(({ name }) => name);
    assert.ok(names.includes("headlamp"));
    assert.ok(!names.includes("metrics-server"));
  });

  it("has machines that only the state knows in their order, and each once", () => {
    const refs = [join("k-worker-10"), join("k-worker-9"), delivery("k-etcd-0"), machine("k-lost-0"), proxy].map(
      (each) => refOf(urn(each)),
    );
    const both = together(topology, topologyOf(refs, "k"));
    assert.deepEqual(
      both.machines.map(({ name }) => name),
      ["k-etcd-0", "k-etcd-1", "k-controller-0", "k-worker-0", "k-worker-1", "k-worker-9", "k-worker-10"],
    );
    assert.deepEqual(both.addons, [{ name: "kube-proxy", early: true }]);
  });
});

describe("a plan as text", () => {
  it("is the tree of the documents: strategy and state of each phase", () => {
    const progress = progressOf("update", readState(exported([machine("k-etcd-0"), delivery("k-etcd-0")])), {
      active: true,
    });
    const tree = renderPlan(planOf("update", { ...topology, machines: topology.machines.slice(0, 2) }, progress));
    assert.equal(
      tree,
      `update (serial strategy) (IN_PROGRESS)
├─ etcd (serial strategy) (IN_PROGRESS)
│  ├─ k-etcd-0:[peer] (COMPLETE)
│  └─ k-etcd-1:[peer] (PENDING)
├─ apiserver (serial strategy) (COMPLETE)
├─ kubernetes-api-proxy (parallel strategy) (PENDING)
│  └─ api:[readiness] (PENDING)
├─ controller-manager (serial strategy) (COMPLETE)
├─ scheduler (serial strategy) (COMPLETE)
├─ node-addons (parallel strategy) (PENDING)
│  └─ kube-proxy:[pods] (PENDING)
├─ node (parallel strategy, 2 at a time) (COMPLETE)
├─ public-node (parallel strategy, 2 at a time) (COMPLETE)
└─ mandatory-addons (serial strategy) (COMPLETE)`,
    );
  });

  it("ends with the add-ons that workers run, one after the other, under the names of the documents", () => {
    const [dns, metrics] = ["coredns", "metrics-server"].map((name): Resource => ({
      type: types.deployment,
      name: `k-${name}`,
      within: ["corekube:addons:ClusterAddons"],
    }));
    const both = topologyOf(
      [dns!, metrics!].map((each) => refOf(urn(each))),
      "k",
    );
    const state = readState(exported([dns!]));
    for (const name of ["deploy", "update"] as const)
      assert.ok(
        renderPlan(planOf(name, both, progressOf("deploy", state, { active: true }))).endsWith(
          `└─ mandatory-addons (serial strategy) (IN_PROGRESS)
   ├─ mandatory-addons-0:[kube-dns] (COMPLETE)
   └─ mandatory-addons-0:[metrics-server] (PENDING)`,
        ),
      );
  });

  it("is in the opposite order, and parallel, for an uninstall", () => {
    const { strategy, phases } = planOf("uninstall", topology, []);
    assert.deepEqual([strategy, phases[0]!.name, phases.at(-1)!.name], ["parallel", "mandatory-addons", "etcd"]);
    assert.ok(phases.every((phase) => phase.strategy === "parallel" && phase.state === "COMPLETE"));
  });

  it("shortens hundreds of workers that say the same, and shows those that do not", () => {
    const machines = Array.from({ length: 500 }, (_, index) => ({
      name: `k-worker-${index}`,
      role: "worker" as const,
    }));
    const many = { ...topology, machines, addons: [] };
    const resources = [join("k-worker-250")];
    const plan = planOf("deploy", many, progressOf("deploy", readState(exported(resources)), { active: false }));
    const lines = renderPlan(plan).split("\n");
    assert.deepEqual(
      lines.filter((line) => line.includes("worker-250") || line.includes("more")),
      ["│  ├─ ... 247 more (PENDING)", "│  ├─ k-worker-250:[kubelet] (COMPLETE)", "│  └─ ... 246 more (PENDING)"],
    );
    assert.equal(renderPlan(plan, true).split("\n").length, 500 + 11);
  });
});
