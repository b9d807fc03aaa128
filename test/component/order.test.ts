/** What waits for what: the order of a run is in these dependencies, and nowhere else. */
import assert from "node:assert/strict";
import { keyOf, type Registration, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

const delivery = (machine: string): string => `corekube:machine:Delivery/${machine}`;
const droplet = (machine: string): string => `digitalocean:index/droplet:Droplet/${machine}`;
const join = (machine: string): string => `corekube:machine:Join/${machine}`;

function waitsFor(registration: Registration, type: string): string[] {
  return registration.dependsOn.filter((key) => key.split("/").slice(0, -1).join("/").endsWith(type));
}

describe("order of a run", function () {
  this.timeout(runTimeout);
  let run: Run;
  let all: Map<string, Registration>;
  before(async () => {
    run = await runProgram(testSpec({ highAvailability: true, workerCount: 3 }));
    all = new Map(run.registrations.map((each) => [keyOf(each), each]));
  });

  /** Everything that a resource waits for, directly or not. */
  function reach(key: string, seen = new Set<string>()): Set<string> {
    for (const next of all.get(key)?.dependsOn ?? []) {
      if (!seen.has(next)) {
        seen.add(next);
        reach(next, seen);
      }
    }
    return seen;
  }

  it("makes no machine before the firewall of its role", () => {
    for (const machine of run.of("Droplet")) {
      const role = machine.name.split("-")[1]!;
      assert.deepEqual(waitsFor(machine, "Firewall"), [`digitalocean:index/firewall:Firewall/dev-${role}`]);
    }
  });

  it("lets no machine wait for another, nor for a load balancer", () => {
    for (const machine of run.of("Droplet")) {
      const types = [...reach(keyOf(machine))].map((key) => key.split(":").pop()!.split("/")[0]);
      assert.deepEqual(
        types.filter((type) => type === "Droplet" || type === "LoadBalancer"),
        [],
        machine.name,
      );
    }
  });

  it("starts etcd members side by side, each after its volumes are attached", () => {
    for (const name of ["dev-etcd-0", "dev-etcd-1", "dev-etcd-2"]) {
      const registration = all.get(delivery(name))!;
      assert.deepEqual(waitsFor(registration, "Delivery"), []);
      assert.deepEqual(
        waitsFor(registration, "VolumeAttachment"),
        ["data", "wal"].map((suffix) => `digitalocean:index/volumeAttachment:VolumeAttachment/${name}-${suffix}`),
      );
    }
  });

  it("starts controllers side by side, each after all etcd members", () => {
    for (const name of ["dev-controller-0", "dev-controller-1", "dev-controller-2"]) {
      assert.deepEqual(
        waitsFor(all.get(delivery(name))!, "Delivery"),
        ["dev-etcd-0", "dev-etcd-1", "dev-etcd-2"].map(delivery),
      );
    }
  });

  it("registers a delivery only after its machine, whose registration the rollout holds back", () => {
    for (const registration of run.of("Delivery")) {
      assert.equal(registration.deleteBeforeReplace, true, "`--replace` does not ask the provider");
      const machines = waitsFor(registration, "Droplet");
      assert.ok(machines.includes(droplet(registration.name)), registration.name);
      // Controllers need the addresses of etcd. Members have each other's as plain values: in the state, none hangs on another.
      const others = machines.filter((machine) => machine !== droplet(registration.name));
      assert.deepEqual(
        others.filter((machine) => registration.name.includes("-etcd-") || !machine.includes("-etcd-")),
        [],
        registration.name,
      );
    }
  });

  it("talks to the API only when every controller serves and load balancers reach them", () => {
    const provider = all.get("pulumi:providers:kubernetes/dev")!;
    assert.deepEqual(waitsFor(provider, "Readiness"), ["corekube:cluster:Readiness/dev-api"]);
    const readiness = all.get("corekube:cluster:Readiness/dev-api")!;
    assert.deepEqual(
      waitsFor(readiness, "Delivery"),
      ["dev-controller-0", "dev-controller-1", "dev-controller-2"].map(delivery),
    );
    assert.deepEqual(waitsFor(readiness, "Firewall"), [
      "digitalocean:index/firewall:Firewall/dev-controller-load-balancers",
    ]);
  });

  it("gives controllers their keys only with permission to encrypt with them, and re-encrypts Secrets only after all have them", () => {
    for (const name of ["dev-controller-0", "dev-controller-1", "dev-controller-2"]) {
      assert.deepEqual(waitsFor(all.get(delivery(name))!, "EncryptionKeyGate"), [
        "corekube:cluster:EncryptionKeyGate/dev",
      ]);
    }
    assert.deepEqual(waitsFor(all.get("corekube:cluster:SecretsReencryption/dev")!, "Readiness"), [
      "corekube:cluster:Readiness/dev-api",
    ]);
  });

  it("joins a worker after rights, Service network and pod network", () => {
    for (const registration of run.of("Join")) {
      assert.equal(registration.deleteBeforeReplace, true, "`--replace` does not ask the provider");
      const objects = registration.dependsOn.filter((key) => /^(kubernetes:|corekube:cluster:NodePods)/.test(key));
      assert.deepEqual(objects, [
        "corekube:cluster:NodePods/dev-kube-flannel",
        "corekube:cluster:NodePods/dev-kube-proxy",
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole/dev-csr-approver",
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding/dev-apiserver-to-kubelet",
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding/dev-csr-approver",
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding/dev-kubelet-bootstrap",
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding/dev-kubelet-certificate-renewal",
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding/dev-kubelet-first-certificate",
      ]);
    }
  });

  it("lets no worker wait for another", () => {
    for (const registration of run.of("Join")) {
      const machines = [...reach(keyOf(registration))].filter((key) => key.includes("-worker-"));
      assert.deepEqual(machines, [droplet(registration.name)]);
    }
  });

  it("waits with CoreDNS for as many workers as it has pods, so that a teardown removes it before them", () => {
    const deployment = all.get("kubernetes:apps/v1:Deployment/dev-coredns")!;
    assert.deepEqual(waitsFor(deployment, "Join"), [join("dev-worker-0"), join("dev-worker-1")]);
    assert.equal(deployment.inputs["spec"] && (deployment.inputs["spec"] as { replicas: number }).replicas, 2);
  });

  it("leaves node add-ons to the end of the cluster itself, and takes those on workers away before their nodes", () => {
    for (const { name, deletedWith } of [
      ...run.of("DaemonSet"),
      ...run.of("ConfigMap"),
      ...run.of("ClusterRoleBinding"),
    ]) {
      const onWorkers = /^dev-(coredns|local-path|metrics-server)/.test(name);
      assert.equal(deletedWith, onWorkers ? "" : "corekube:etcd:Cluster/dev", name);
    }
    for (const { deletedWith } of run.of("Deployment")) assert.equal(deletedWith, "");
  });

  it("has no circle", () => {
    for (const key of all.keys()) {
      assert.equal(reach(key).has(key), false, key);
    }
  });
});
