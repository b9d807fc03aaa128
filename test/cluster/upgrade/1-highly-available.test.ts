/** Releases of a highly available cluster: up and back, under a client that writes all the time and workloads with budgets. */
import assert from "node:assert/strict";
import { deploy } from "../../../lab/commands/up.js";
import { runEngine } from "../../../lab/engine/run.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { Turns } from "../support/turns.js";
import { Upgrades, type Watched } from "../support/upgrade.js";

const stack = "ha";
const settings = { "corekube:high_availability": true, "corekube:node_count": 2, "corekube:public_node_count": 1 };
const [first, second, third] = ["1.35.4", "1.36.1", "1.36.3"] as const;
const of = (role: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `kubernetes-${role}-${index}`);
const controllers = of("controller", 3);
const all = [...of("etcd", 3), ...controllers];

describe("releases of a highly available cluster", function () {
  this.timeout(1_800_000);
  const upgrades = new Upgrades(config, stack, progress);
  const change = (): Promise<Watched> => upgrades.watched((onEvent) => upgrades.up(onEvent));

  /** What must hold for every change. */
  function safe({ turns, pause, least }: Watched): void {
    for (const role of ["etcd", "controller", "worker", "public"])
      assert.ok(turns.most(role) <= 1, `${role}:\n${turns.text()}`);
    assert.ok(pause < 5_000, `no write for ${pause} ms`);
    assert.ok(least["web"]! >= 2 && least["data"]! >= 1, JSON.stringify(least));
  }

  before(() => openRegion("digitalocean", [first, second, third]));
  before(() => deploy(config, stack, progress, { ...settings, "corekube:kubernetes_version": first }));
  after(async () => {
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  it("the control plane emulates the minor version before, and nothing else changes", async () => {
    await upgrades.set({ kubernetes_version: third, emulated_version: "1.35" });
    const watched = await change();
    safe(watched);
    assert.deepEqual(watched.turns.machines(), controllers);
    assert.deepEqual(await upgrades.versions(), {
      ...{ api: `v${third}`, emulated: "1.35", kubelets: `v${first}`, proxies: `v${first}`, etcd: "3.6.14" },
    });
    await upgrades.settled();
  });

  it("and is taken back", async () => {
    await upgrades.set({ kubernetes_version: first, emulated_version: "" });
    const watched = await change();
    safe(watched);
    assert.deepEqual(watched.turns.machines(), controllers);
    assert.equal((await upgrades.versions()).api, `v${first}`);
    await upgrades.settled();
  });

  it("is taken back half-way, after its run was killed", async () => {
    await upgrades.set({ kubernetes_version: third, emulated_version: "1.35" });
    const watched = await upgrades.watched(async (onEvent) => {
      await upgrades.killed(/Delivery kubernetes-controller-1 updating/);
      await upgrades.set({ kubernetes_version: first, emulated_version: "" });
      await upgrades.up(onEvent);
    });
    safe(watched);
    assert.equal((await upgrades.versions()).api, `v${first}`);
    await upgrades.settled();
  });

  it("a minor version at once: etcd, controllers, kube-proxy, workers", async () => {
    await upgrades.set({ kubernetes_version: second });
    const watched = await change();
    safe(watched);
    const { turns, seconds } = watched;
    assert.deepEqual(turns.machines().slice(0, 6), all);
    assert.deepEqual([...turns.machines().slice(6)].sort(), [...of("public", 1), ...of("worker", 2)]);
    assert.ok(seconds < 480, `${seconds} s`);
    assert.deepEqual(await upgrades.versions(), {
      ...{ api: `v${second}`, emulated: "1.36", kubelets: `v${second}`, proxies: `v${second}`, etcd: "3.7.1" },
    });
    await upgrades.settled();
  });

  it("is not taken back once it is finished", async () => {
    await upgrades.set({ kubernetes_version: first });
    assert.match(await upgrades.fails(), /kubernetes_version: got "1\.35\.4"[\s\S]*can be taken back only while/);
    await upgrades.set({ kubernetes_version: second });
    await upgrades.settled();
  });

  it("a patch, without draining a node", async () => {
    await upgrades.set({ kubernetes_version: third });
    const watched = await change();
    safe(watched);
    assert.deepEqual(watched.least, { web: 3, data: 2 }, "no pod left its node");
    assert.equal((await upgrades.versions()).kubelets, `v${third}`);
    await upgrades.settled();
  });

  it("killed at any moment, the next run goes on and ends healthy", async () => {
    // A change takes 90 s at least from its first machine on.
    const anyMoment = (): number => Math.round(Math.random() * 80);
    const moments = [
      /kubernetes-controller-1 updating .*waiting for health/,
      anyMoment(),
      /NodePods kubernetes-kube-proxy updating/,
      anyMoment(),
      /Join kubernetes-worker-0 updating .*changing its configuration/,
      anyMoment(),
      /kubernetes-controller-2 updating .*delivering its configuration/,
      ...[anyMoment(), anyMoment(), anyMoment()],
    ];
    let to: string = second;
    for (const at of moments) {
      await upgrades.set({ kubernetes_version: to });
      await upgrades.killed(at);
      const turns = new Turns();
      await upgrades.up(turns.event);
      process.stdout.write(`      killed at ${String(at)}, to ${to}:\n${turns.text().replace(/^/gm, "        ")}\n`);
      assert.equal((await upgrades.versions()).kubelets, `v${to}`, String(at));
      await upgrades.settled();
      to = to === second ? third : second;
    }
  }).timeout(7_200_000);
});
