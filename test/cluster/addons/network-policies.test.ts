/** NetworkPolicies as people use them: from the files of the example, within a machine and between two. */
import assert from "node:assert/strict";
import type { CheckContext } from "../../../lab/cluster/context.js";
import { until } from "../../../lab/process/until.js";
import { config, progress } from "../region.js";
import { nameOf, Scaling } from "../support/scale.js";
import { example, withCluster } from "./support.js";

const stack = "dev";
const folder = "network-policies";
const enforcer = "k8s-app=kube-network-policies";
const patience = { timeout: 200_000 };
const table = "inet kube-network-policies";

describe("network policies", function () {
  this.timeout(600_000);
  const cluster = withCluster({ settings: { addons: { network_policies: { enabled: true } } } });
  const scaling = new Scaling(config, stack, progress);
  let context: CheckContext;
  before(async () => {
    context = await cluster.context();
  });

  const apply = (file: string): Promise<void> => context.apply(...example(`${folder}/${file}`));
  let service = "";
  /** Whether a client gets an answer within 4 seconds (the lab's busybox crashes on wget's own limit). @param host By default the Service's address. */
  const reaches = async (client: string, host = service): Promise<boolean> => {
    const { code } = await context.tryKubectl(
      ["exec", "-n", "shop", client, "--", "timeout", "4", "wget", "-q", "-O", "-", `http://${host}/`],
      patience,
    );
    return code === 0;
  };
  /** By nslookup: the lab's busybox looks up names with nothing else. */
  const resolves = async (client: string): Promise<boolean> =>
    (
      await context.tryKubectl(
        ["exec", "-n", "shop", client, "--", "timeout", "5", "nslookup", "web.shop.svc.cluster.local"],
        patience,
      )
    ).code === 0;
  /** Addresses of the web server's pods: one on each machine. */
  const servers = async (): Promise<readonly string[]> =>
    (await context.kubectlValue("{.items[*].status.podIP}", "pods", "-n", "shop", "-l", "app=web")).split(" ");
  const becomes = (client: string, wanted: boolean): Promise<unknown> =>
    until(`${client} ${wanted ? "reaches" : "does not reach"} the server`, { timeout: 60_000 }, async () => {
      assert.equal(await reaches(client), wanted);
    });
  const tables = async (): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const machine of context.nodes()) {
      const { stdout } = await context.tryInMachine(machine, "nft list tables");
      if (stdout.includes(table)) found.push(machine.name);
    }
    return found;
  };

  it("open: everybody reaches everybody, and no node has rules but those that ask for nothing", async () => {
    await apply("shop.yaml");
    await context.kubectl(["rollout", "status", "-n", "shop", "deployment/web", "--timeout=180s"], patience);
    await context.kubectl(["wait", "-n", "shop", "--for=condition=Ready", "pod", "--all", "--timeout=120s"], patience);
    service = await context.kubectlValue("{.spec.clusterIP}", "service", "web", "-n", "shop");
    const nodes = await context.kubectlValue("{.items[*].spec.nodeName}", "pods", "-n", "shop", "-l", "app=web");
    assert.equal(new Set(nodes.split(" ")).size, 2);
    for (const host of [service, ...(await servers())])
      for (const client of ["checkout", "visitor"]) assert.ok(await reaches(client, host), `${client} to ${host}`);
    assert.ok(await resolves("visitor"));
    assert.equal((await tables()).length, context.nodes().length);
  });

  it("closed: nobody reaches anybody, names and machines among them, but for the kubelet's probes", async () => {
    await apply("deny.yaml");
    await becomes("visitor", false);
    for (const host of [service, ...(await servers())])
      for (const client of ["checkout", "visitor"]) assert.ok(!(await reaches(client, host)), `${client} to ${host}`);
    assert.ok(!(await resolves("visitor")));
    assert.ok(!(await reaches("visitor", context.machines("worker")[0]!.public_ipv4)));
    const ready = '{range .items[*]}{.status.conditions[?(@.type=="Ready")].status} {end}';
    // Three of its probes.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    assert.equal(await context.kubectlValue(ready, "pods", "-n", "shop", "-l", "app=web"), "True True");
  });

  it("opened: the client of the policy reaches the server on both machines, by its name, and nobody else does", async () => {
    await apply("allow.yaml");
    await becomes("checkout", true);
    for (const client of ["checkout", "visitor"]) assert.ok(await resolves(client), client);
    for (const host of [service, ...(await servers())]) {
      assert.ok(await reaches("checkout", host), host);
      assert.ok(!(await reaches("visitor", host)), host);
    }
  });

  it("a pod that comes later is under the policies, too", async () => {
    const [pod] = example(`${folder}/shop.yaml`).filter(
      (object) => (object as { metadata: { name: string } }).metadata.name === "visitor",
    ) as [{ metadata: object }];
    await context.apply({ ...pod, metadata: { ...pod.metadata, name: "later" } });
    await context.kubectl(["wait", "-n", "shop", "--for=condition=Ready", "pod/later", "--timeout=120s"], patience);
    assert.ok(!(await reaches("later", (await servers())[0])));
  });

  it("without the program on any node, connections go on, new ones wait for it, and nothing opens", async () => {
    const [address] = await servers();
    const request = "GET / HTTP/1.1\\r\\nHost: web\\r\\n";
    const script = `(printf '${request}\\r\\n'; sleep 12; printf '${request}Connection: close\\r\\n\\r\\n') | nc ${address} 80 | grep -c '200 OK'`;
    const open = context.kubectl(["exec", "-n", "shop", "checkout", "--", "sh", "-c", script], patience);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await context.kubectl(["delete", "pods", "-n", "kube-system", "-l", enforcer, "--wait=false"], patience);
    let opened = 0;
    const until_ = Date.now() + 12_000;
    let waited = 0;
    while (Date.now() < until_) {
      const began = Date.now();
      const [visitor] = await Promise.all([reaches("visitor", address), reaches("checkout", address)]);
      opened += visitor ? 1 : 0;
      waited = Math.max(waited, Date.now() - began);
    }
    assert.equal(opened, 0);
    assert.equal((await open).trim(), "2");
    await becomes("checkout", true);
    const began = await context.kubectl(["top", "pods", "-n", "kube-system", "-l", enforcer, "--no-headers"]);
    process.stdout.write(`      ${began.trim().split("\n").join("\n      ")}\n`);
  });

  it("a run afterwards changes nothing", async () => cluster.changes.settled());

  it("off: its own resources go and no others, everything is open, and no node has its rules", async () => {
    await cluster.changes.set({ "addons.network_policies.enabled": "false" });
    const changes = (await scaling.changes()).map(({ op, urn }) => `${op} ${nameOf(urn)}`);
    assert.ok(changes.length >= 5);
    assert.deepEqual(
      changes.filter((line) => !/^delete kubernetes-kube-network-policies(-cleanup)?$/.test(line)),
      [],
    );
    await cluster.changes.up();
    assert.deepEqual(await tables(), []);
    assert.ok(await reaches("visitor", (await servers())[0]));
    assert.equal(
      await context.kubectlValue("{.items[*].metadata.name}", "daemonsets", "-n", "kube-system"),
      "kube-flannel kube-proxy",
    );
  });

  it("on again: the policies hold again", async () => {
    await cluster.changes.set({ "addons.network_policies.enabled": "true" });
    await cluster.changes.up();
    await becomes("visitor", false);
    await becomes("checkout", true);
  });
});
