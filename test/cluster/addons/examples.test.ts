/** The examples, from their files, as their README says to use them. */
import assert from "node:assert/strict";
import { forwardPort } from "../../../cli/portForward.js";
import type { CheckContext } from "../../../lab/cluster/context.js";
import { get } from "../../../lab/cluster/network.js";
import { until } from "../../../lab/process/until.js";
import { example, withCluster } from "./support.js";

const minute = 60_000;
const patience = { timeout: 200_000 };

describe("examples", function () {
  this.timeout(5 * minute);
  const { context } = withCluster({ settings: { public_node_count: 1 } });

  const applied = async (file: string): Promise<CheckContext> => {
    const of = await context();
    await of.apply(...example(file));
    return of;
  };
  const deleted = async (of: CheckContext, file: string): Promise<void> => {
    await of.kubectl(["delete", "-f", `examples/${file}`, "--wait", "--timeout=120s"], patience);
  };
  const answer = async (address: string): Promise<string> => {
    let body = "";
    await until(address, { timeout: 30_000 }, async () => {
      const { status, body: text } = await get(address);
      assert.equal(status, 200);
      body = text;
    });
    return body;
  };

  it("dns: the name of the API, and of a Service outside the pod's namespace", async () => {
    const of = await applied("dns/busybox.yaml");
    await of.kubectl(["wait", "--for=condition=Ready", "pod/busybox", "--timeout=180s"], patience);
    const addresses = { "kubernetes.default": "10.3.0.1", "kube-dns.kube-system": "10.3.0.10" };
    for (const [service, address] of Object.entries(addresses)) {
      const name = `${service}.svc.cluster.local`;
      // The server's own address comes first, under no name.
      const found = new RegExp(`Name:\\s+${name}\\s+Address(?: \\d+)?:\\s+${address}(?![0-9])`);
      assert.match(await of.kubectl(["exec", "busybox", "--", "nslookup", name]), found);
    }
    await deleted(of, "dns/busybox.yaml");
  });

  it("node-port: an app that answers at each worker's address, and through a tunnel whose pod is replaced", async () => {
    const of = await applied("node-port/web.yaml");
    await of.kubectl(["rollout", "status", "deployment/web", "--timeout=180s"], patience);
    for (const { public_ipv4 } of of.machines("worker"))
      assert.match(await answer(`http://${public_ipv4}:31000/`), /nginx/);
    const problems: string[] = [];
    const tunnel = await forwardPort(
      of.outputs.kubeconfig,
      { namespace: "default", selector: "app=web", port: 80 },
      0,
      (problem) => problems.push(problem),
    );
    try {
      assert.match(await answer(`http://127.0.0.1:${tunnel.port}/`), /nginx/);
      await of.kubectl(["delete", "pod", "-l", "app=web", "--wait", "--timeout=60s"], patience);
      await of.kubectl(["rollout", "status", "deployment/web", "--timeout=180s"], patience);
      assert.match(await answer(`http://127.0.0.1:${tunnel.port}/`), /nginx/);
      assert.deepEqual(problems, []);
    } finally {
      tunnel.close();
    }
    await deleted(of, "node-port/web.yaml");
  });

  it("host-port: a web server at port 80 of the public worker", async () => {
    const of = await applied("host-port/nginx.yaml");
    await of.kubectl(["wait", "-n", "edge", "--for=condition=Ready", "pod/nginx", "--timeout=180s"], patience);
    const [machine] = of.machines("public");
    assert.equal(await of.kubectlValue("{.spec.nodeName}", "pod", "nginx", "-n", "edge"), machine!.name);
    assert.match(await answer(`http://${machine!.public_ipv4}/`), /nginx/);
    await deleted(of, "host-port/nginx.yaml");
  });

  it("stateful: each pod has its own volume for ever, and a drain takes one at a time", async () => {
    const of = await applied("stateful/store.yaml");
    await of.kubectl(["rollout", "status", "statefulset/store", "--timeout=180s"], patience);
    const page = (pod: string): Promise<string> =>
      of.kubectl(["exec", pod, "--", "cat", "/usr/share/nginx/html/index.html"]);
    const nodes = await Promise.all(
      ["store-0", "store-1"].map((pod) => of.kubectlValue("{.spec.nodeName}", "pod", pod)),
    );
    assert.equal(new Set(nodes).size, 2);
    await of.kubectl(["delete", "pod", "store-0", "--wait"], patience);
    await of.kubectl(["rollout", "status", "statefulset/store", "--timeout=180s"], patience);
    assert.deepEqual(await Promise.all(["store-0", "store-1"].map(page)), ["store-0\n", "store-1\n"]);
    await of.kubectl(["drain", nodes[0]!, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s"], patience);
    const second = await of.tryKubectl(
      ["drain", nodes[1]!, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=10s"],
      patience,
    );
    assert.notEqual(second.code, 0);
    assert.match(second.stderr + second.stdout, /violate the pod's disruption budget/);
    await of.kubectl(["uncordon", ...nodes]);
    await of.kubectl(["rollout", "status", "statefulset/store", "--timeout=180s"], patience);
    await deleted(of, "stateful/store.yaml");
    await of.kubectl(["delete", "pvc", "-l", "app=store", "--wait", "--timeout=120s"], patience);
  });
});
