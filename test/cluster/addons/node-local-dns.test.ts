/** Caches of names on nodes, as pods see them: their own node's answers, and others when it is away. */
import assert from "node:assert/strict";
import type { CheckContext } from "../../../lab/cluster/context.js";
import { until } from "../../../lab/process/until.js";
import { config, progress } from "../region.js";
import { nameOf, Scaling } from "../support/scale.js";
import { withCluster } from "./support.js";

const stack = "dev";
const patience = { timeout: 200_000 };
const cached = "k8s-app=node-local-dns";

const client = (name: string, nodeName: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    nodeName,
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "client", image: "docker.io/library/busybox:1.35", command: ["sleep", "infinity"] }],
  },
});

describe("caches of names on nodes", function () {
  this.timeout(600_000);
  const cluster = withCluster();
  const scaling = new Scaling(config, stack, progress);
  let context: CheckContext;
  before(async () => {
    context = await cluster.context();
    const workers = context.machines("worker");
    await context.apply(...workers.map(({ name }, index) => client(`client-${index}`, name)));
    await context.kubectl(["wait", "--for=condition=Ready", "pod", "--all", "--timeout=120s"], patience);
  });

  const resolves = async (pod: string, name = "kubernetes.default.svc.cluster.local"): Promise<boolean> =>
    (await context.tryKubectl(["exec", pod, "--", "nslookup", name], patience)).code === 0;
  /** Requests that the cache of a node has answered. */
  const asked = async (node: string): Promise<number> => {
    const path = `{.items[?(@.spec.nodeName=="${node}")].metadata.name}`;
    const pod = await context.kubectlValue(path, "pods", "-n", "kube-system", "-l", cached);
    const metrics = await context.kubectl([
      "get",
      "--raw",
      `/api/v1/namespaces/kube-system/pods/${pod}:9153/proxy/metrics`,
    ]);
    return [...metrics.matchAll(/^coredns_dns_requests_total\{[^}]*\} (\S+)$/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
  };
  /** Names are looked up all the time while something happens. @returns lookups, and those that failed. */
  const meanwhile = async (
    work: () => Promise<unknown>,
  ): Promise<{ readonly all: number; readonly failed: number }> => {
    let [all, failed, done] = [0, 0, false];
    const asking = (async () => {
      while (!done) {
        all++;
        if (!(await resolves("client-0"))) failed++;
      }
    })();
    await work().finally(() => {
      done = true;
    });
    await asking;
    return { all, failed };
  };

  it("come with their own resources, and kube-dns stays the same Service", async () => {
    await cluster.changes.set({ "addons.coredns.node_local_cache": "true" });
    const changes = (await scaling.changes()).map(({ op, urn }) => `${op} ${nameOf(urn)}`);
    assert.deepEqual(
      changes.filter((line) => !/^create kubernetes-(node-local-dns|kube-dns-upstream)$/.test(line)),
      ["update kubernetes-kube-dns"],
    );
    const address = await context.kubectlValue("{.metadata.uid}", "service", "kube-dns", "-n", "kube-system");
    const { all, failed } = await meanwhile(() => cluster.changes.up());
    process.stdout.write(`      turned on: ${failed} of ${all} lookups failed\n`);
    assert.ok(all > 20);
    assert.equal(failed, 0);
    assert.equal(await context.kubectlValue("{.metadata.uid}", "service", "kube-dns", "-n", "kube-system"), address);
    await cluster.changes.settled();
  });

  it("answer the pods of their own node", async () => {
    const [first, second] = context.machines("worker");
    const before = [await asked(first!.name), await asked(second!.name)];
    for (let index = 0; index < 10; index++) assert.ok(await resolves("client-1"));
    const after = [await asked(first!.name), await asked(second!.name)];
    assert.ok(after[1]! - before[1]! >= 10, `${String(before)} ${String(after)}`);
    assert.ok(after[0]! - before[0]! < 5, `${String(before)} ${String(after)}`);
  });

  it("answer what they know without CoreDNS, for as long as an answer holds, and the rest again with it", async () => {
    // Not asked for before: it is known for 30 seconds from now.
    const known = "kube-dns-upstream.kube-system.svc.cluster.local";
    assert.ok(await resolves("client-0", known));
    await context.kubectl(["scale", "-n", "kube-system", "deployment/coredns", "--replicas=0"]);
    try {
      await context.kubectl(
        ["delete", "pods", "-n", "kube-system", "-l", "k8s-app=kube-dns", "--grace-period=1"],
        patience,
      );
      assert.ok(await resolves("client-0", known));
      assert.ok(!(await resolves("client-0", "metrics-server.kube-system.svc.cluster.local")));
    } finally {
      await context.kubectl(["scale", "-n", "kube-system", "deployment/coredns", "--replicas=2"]);
    }
    await context.kubectl(["rollout", "status", "-n", "kube-system", "deployment/coredns", "--timeout=120s"], patience);
    await until("names", { timeout: 60_000 }, async () =>
      assert.ok(await resolves("client-0", "metrics-server.kube-system.svc.cluster.local")),
    );
  });

  it("of other nodes answer while a node's own is replaced", async () => {
    const { all, failed } = await meanwhile(async () => {
      await context.kubectl(["rollout", "restart", "-n", "kube-system", "daemonset/node-local-dns"]);
      await context.kubectl(
        ["rollout", "status", "-n", "kube-system", "daemonset/node-local-dns", "--timeout=180s"],
        patience,
      );
    });
    process.stdout.write(`      all replaced: ${failed} of ${all} lookups failed\n`);
    assert.ok(failed <= 1, `${failed} of ${all}`);
    const used = await until("figures of the new pods", { timeout: 90_000 }, () =>
      context.kubectl(["top", "pods", "-n", "kube-system", "-l", cached, "--no-headers"]),
    );
    process.stdout.write(`      ${used.trim().split("\n").join("\n      ")}\n`);
  });

  it("go without a lookup that fails, and leave nothing", async () => {
    await cluster.changes.set({ "addons.coredns.node_local_cache": "false" });
    const { all, failed } = await meanwhile(() => cluster.changes.up());
    process.stdout.write(`      turned off: ${failed} of ${all} lookups failed\n`);
    assert.equal(failed, 0);
    // They serve for some seconds more when they end.
    await until("the end of the last pod", { timeout: 60_000 }, async () => {
      const left = await context.kubectl(["get", "all,configmaps,serviceaccounts", "-n", "kube-system", "-o", "name"]);
      assert.doesNotMatch(left, /node-local|upstream/);
    });
    await cluster.changes.settled();
  });
});
