/** An add-on is one description. Everything else follows from it: here for one that only this test has. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { type Addon, restricted, workers } from "../../components/addons/addon.js";
import { ClusterAddons, NodeAddons } from "../../components/addons/addons.js";
import { addonPorts, addonsOf, allAddons, inOrder, splitByWorkers } from "../../components/addons/list.js";
import { checksumAnnotation } from "../../components/addons/objects.js";
import { firewallRules, nodeRoles, takenPorts } from "../../components/cloud/firewall.js";
import type { ClusterSpec } from "../../components/spec/cluster.js";
import { validate } from "../../infra/settings/validate.js";
import { addonNeeds, machineNeeds } from "../../infra/settings/sizes.js";
import { keyOf, type Run, registrationsOf, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

const name = "sample-metrics";

/** Scrapes the kubelets of all nodes from a worker, which no other part of a cluster does. */
const sampleMetrics = (resolution = "15s"): Addon => ({
  name,
  needs: [workers, "kube-proxy"],
  partOf: ({ networkProvider }) => networkProvider === "flannel",
  runsOn: "workers",
  replicas: () => 3,
  resources: () => ({
    "wait-for-api": { cpus: 0.01, memory: 400, limit: 400, init: true },
    [name]: { cpus: 0.25, memory: 200, limit: 300 },
    nanny: { cpus: 0.05, memory: 50, limit: 60 },
  }),
  ports: [
    { purpose: "kubelet-metrics", on: nodeRoles, protocol: "tcp", port: 10251, from: ["worker"] },
    { purpose: "metrics-debug", on: ["worker"], protocol: "tcp", port: 10252, from: [] },
  ],
  parts: ({ spec }) => ({
    rights: {
      cluster: [{ apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] }],
      namespace: [{ apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "update"] }],
      existing: [
        { kind: "ClusterRole", name: "system:auth-delegator", suffix: "-delegator" },
        { kind: "Role", name: "extension-apiserver-authentication-reader", suffix: "-reader" },
      ],
    },
    files: { directory: "/etc/metrics", data: { "config.yaml": `resolution: ${resolution}\ncluster: ${spec.name}\n` } },
    pod: {
      initContainers: [{ name: "wait-for-api", image: "example.net/wait:1" }],
      containers: [
        { name, image: "example.net/sample-metrics:1", volumeMounts: [{ name: "tmp", mountPath: "/tmp" }] },
        { name: "nanny", image: "example.net/nanny:1", securityContext: restricted(["NET_RAW"]) },
      ],
      volumes: [{ name: "tmp", emptyDir: {} }],
    },
    service: { name, spec: { ports: [{ name: "https", port: 443, targetPort: 4443 }] } },
  }),
});

/** Stands for a resource of another part of the program. */
class Part extends pulumi.CustomResource {
  constructor(id: string) {
    super("corekube:machine:Join", id);
  }
}

/** What the two components register for a list of add-ons, in a cluster of four workers. */
async function registered(addons: readonly Addon[], spec: ClusterSpec = testSpec()): Promise<Omit<Run, "outputs">> {
  return registrationsOf(async () => {
    const nodeAddons = new NodeAddons("dev", {
      spec,
      apiHost: pulumi.output("10.4.0.2"),
      kubeconfig: pulumi.secret("kubeconfig"),
      etcdMetrics: { authority: "ca", certificate: "certificate", key: "key" },
      authority: { certificate: pulumi.output("cluster's ca"), key: pulumi.secret("cluster's key") },
      after: [new Part("api")],
      store: new Part("store"),
      addons,
    });
    new ClusterAddons("dev", {
      nodeAddons,
      joins: [0, 1, 2, 3].map((index) => new Part(`worker-${index}`)),
      publicJoins: [],
    });
    await Promise.resolve();
  });
}

describe("a new add-on", function () {
  this.timeout(runTimeout);
  const all = [...allAddons, sampleMetrics()];
  let run: Omit<Run, "outputs">;
  before(async () => {
    run = await registered(all);
  });
  const own = (of: Omit<Run, "outputs"> = run) =>
    of.registrations.filter((each) => each.name.startsWith(`dev-${name}`));
  const template = (of: Omit<Run, "outputs">) =>
    (
      of.one("Deployment", `dev-${name}`).inputs["spec"] as {
        template: { metadata: { annotations: Record<string, string> }; spec: Record<string, unknown> };
      }
    ).template;

  it("has its objects, in the cluster's second step, and changes none of the others", async () => {
    assert.deepEqual(
      own()
        .map((each) => keyOf(each).split(":").pop())
        .sort(),
      [
        "ClusterRole/dev-sample-metrics",
        "ClusterRoleBinding/dev-sample-metrics",
        "ClusterRoleBinding/dev-sample-metrics-delegator",
        "ConfigMap/dev-sample-metrics",
        "Deployment/dev-sample-metrics",
        "PodDisruptionBudget/dev-sample-metrics",
        "Role/dev-sample-metrics",
        "RoleBinding/dev-sample-metrics",
        "RoleBinding/dev-sample-metrics-reader",
        "Service/dev-sample-metrics",
        "ServiceAccount/dev-sample-metrics",
      ],
    );
    for (const each of own()) assert.equal(each.parent, "corekube:addons:ClusterAddons/dev", each.name);
    const without = await registered(allAddons);
    const others = new Map(
      run.registrations.filter((each) => !own().includes(each)).map((each) => [keyOf(each), each]),
    );
    assert.deepEqual(others, new Map(without.registrations.map((each) => [keyOf(each), each])));
  });

  it("is left out where it is not part of the cluster", async () => {
    assert.deepEqual(own(await registered(all, testSpec({ networkProvider: "none" }))), []);
    assert.deepEqual(addonPorts(testSpec({ networkProvider: "none" }), [sampleMetrics()]), []);
  });

  it("binds its own ServiceAccount to the rights that it names, and to no others", () => {
    const subjects = [{ kind: "ServiceAccount", name, namespace: "kube-system" }];
    const bindings = [...run.of("ClusterRoleBinding"), ...run.of("RoleBinding")].filter((each) => own().includes(each));
    for (const each of bindings) assert.deepEqual(each.inputs["subjects"], subjects, each.name);
    assert.deepEqual(
      bindings
        .map(({ inputs }) => inputs["roleRef"] as { kind: string; name: string })
        .map((role) => `${role.kind} ${role.name}`),
      [
        "ClusterRole corekube:sample-metrics",
        "ClusterRole system:auth-delegator",
        "Role corekube:sample-metrics",
        "Role extension-apiserver-authentication-reader",
      ],
    );
    assert.deepEqual(run.one("ClusterRole", `dev-${name}`).inputs["rules"], [
      { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
    ]);
    assert.equal((run.one("Role", `dev-${name}`).inputs["metadata"] as { namespace: string }).namespace, "kube-system");
    assert.equal(template(run).spec["serviceAccountName"], name);
  });

  it("comes after the add-on before it in the list: those that workers run are made one by one", () => {
    const before = splitByWorkers(addonsOf(testSpec())).on.at(-1)!.name;
    assert.ok(run.one("Deployment", `dev-${name}`).dependsOn.includes(keyOf(run.one("Deployment", `dev-${before}`))));
    for (const first of ["DaemonSet/dev-kube-proxy", "Deployment/dev-coredns"])
      assert.deepEqual(
        run.one(...(first.split("/") as [string, string])).dependsOn.filter((key) => key.includes("flannel")),
        [],
        first,
      );
  });

  it("starts after its rights, its files, the add-on that it needs, and as many workers as it has pods", () => {
    const after = run.one("Deployment", `dev-${name}`).dependsOn.map((key) => key.split(":").pop());
    for (const key of [
      "ServiceAccount/dev-sample-metrics",
      "ClusterRoleBinding/dev-sample-metrics",
      "RoleBinding/dev-sample-metrics",
      "ConfigMap/dev-sample-metrics",
      "NodePods/dev-kube-proxy",
      "Join/worker-0",
      "Join/worker-2",
    ])
      assert.ok(after.includes(key), key);
    assert.ok(!after.includes("Join/worker-3"));
    for (const type of ["Service", "PodDisruptionBudget"])
      assert.deepEqual(
        run.one(type, `dev-${name}`).dependsOn.filter((key) => key.includes("Deployment")),
        [keyOf(run.one("Deployment", `dev-${name}`))],
      );
  });

  it("has pods with its files, its resources, and least privilege unless it says otherwise", () => {
    const { containers, initContainers, volumes, ...pod } = template(run).spec as Record<string, unknown> & {
      containers: {
        name: string;
        resources: unknown;
        volumeMounts: unknown;
        securityContext: { capabilities: unknown };
      }[];
      initContainers: { resources: unknown }[];
    };
    assert.deepEqual(volumes, [
      { name: "config", configMap: { name } },
      { name: "tmp", emptyDir: {} },
    ]);
    assert.deepEqual(containers[0]!.volumeMounts, [
      { name: "config", mountPath: "/etc/metrics", readOnly: true },
      { name: "tmp", mountPath: "/tmp" },
    ]);
    assert.deepEqual(containers[0]!.resources, {
      requests: { cpu: "250m", memory: "200Mi" },
      limits: { memory: "300Mi" },
    });
    assert.deepEqual(initContainers[0]!.resources, {
      requests: { cpu: "10m", memory: "400Mi" },
      limits: { memory: "400Mi" },
    });
    assert.deepEqual(containers[0]!.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    assert.deepEqual(containers[1]!.securityContext.capabilities, { drop: ["ALL"], add: ["NET_RAW"] });
    assert.deepEqual(pod["securityContext"], { seccompProfile: { type: "RuntimeDefault" } });
    assert.equal(pod["hostNetwork"], undefined);
  });

  it("is reached by its Service and spared by its disruption budget", () => {
    const selector = { "k8s-app": name };
    const spec = (type: string) => run.one(type, `dev-${name}`).inputs["spec"] as Record<string, unknown>;
    assert.deepEqual(spec("Service")["selector"], selector);
    assert.deepEqual(spec("PodDisruptionBudget"), { maxUnavailable: 1, selector: { matchLabels: selector } });
    assert.equal(spec("Deployment")["replicas"], 3);
    assert.deepEqual(spec("Deployment")["selector"], { matchLabels: selector });
  });

  it("gets new pods when its configuration changes, and only then", async () => {
    const hash = (of: Omit<Run, "outputs">): unknown => template(of).metadata.annotations[checksumAnnotation];
    assert.match(String(hash(run)), /^[0-9a-f]{64}$/);
    const changed = await registered([...allAddons, sampleMetrics("30s")]);
    assert.notEqual(hash(changed), hash(run));
    assert.deepEqual(changed.one("ConfigMap", `dev-${name}`).inputs["data"], {
      "config.yaml": "resolution: 30s\ncluster: dev\n",
    });
    const other = await registered(all, testSpec({ logLevel: "DEBUG" }));
    assert.equal(hash(other), hash(run));
  });

  it("opens the ports that it says to the machines that it says, and keeps the others closed", () => {
    const spec = testSpec();
    const table = (addons?: readonly Addon[]) =>
      firewallRules(spec, { balancersFrom: [] }, addonPorts(spec, addons)).map(
        ({ purpose, role, protocol, ports, from }) =>
          `${purpose}: ${role} ${protocol}/${ports?.from}-${ports?.to} <- ${from.join()}`,
      );
    const before = table();
    assert.deepEqual(
      table(all).filter((line) => !before.includes(line)),
      nodeRoles.map((role) => `kubelet-metrics: ${role} tcp/10251-10251 <- worker`),
    );
    const taken = takenPorts(addonPorts(spec, all));
    assert.deepEqual([taken.get(10251), taken.get(10252)], ["kubelet-metrics", "metrics-debug"]);
  });

  it("enlarges the workers that it runs on, and no other machine", () => {
    const settings = (values: Record<string, unknown>) =>
      validate({ region: "fra1", admin_cidrs: ["192.0.2.1/32"], ...values }).settings!;
    // Three pods on two workers: two on one of them. The init container needs more memory than the others together.
    const two = settings({ node_count: 2, node_size: "s-4vcpu-8gb", public_node_size: "s-4vcpu-8gb" });
    const added = (role: "controller" | "worker" | "public") => {
      const [less, more] = [allAddons, all].map((list) => machineNeeds(two, role, list));
      return [Math.round((more!.cpus - less!.cpus) * 100) / 100, more!.memory - less!.memory];
    };
    assert.deepEqual(added("worker"), [0.6, 800]);
    assert.deepEqual(added("controller"), [0, 0]);
    assert.deepEqual(added("public"), [0, 0]);
    const ten = settings({ node_count: 10 });
    assert.equal(addonNeeds(ten, "worker", all).memory - addonNeeds(ten, "worker").memory, 400);
  });

  it("is refused when a container has no resources", async () => {
    const wrong: Addon = { ...sampleMetrics(), resources: () => ({}) };
    await assert.rejects(
      registered([...allAddons, wrong]),
      /sample-metrics: resources of the container .* are missing/,
    );
  });
});

describe("order of add-ons", () => {
  const addon = (addonName: string, ...needs: string[]): Addon => ({ name: addonName, needs, parts: () => ({}) });
  const names = (addons: readonly Addon[]): string[] => addons.map((each) => each.name);

  it("follows from what they need, whatever the order of the list", () => {
    assert.deepEqual(names(inOrder([addon("a", "b", workers), addon("b", "c"), addon("c")])), ["c", "b", "a"]);
  });

  it("puts those that need workers into the second step, and with them those that need them", () => {
    const { without, on } = splitByWorkers([addon("a", "b"), addon("b", workers), addon("c")]);
    assert.deepEqual([names(without), names(on)], [["c"], ["b", "a"]]);
  });

  it("refuses a circle, and a need that the cluster does not have", () => {
    assert.throws(() => inOrder([addon("a", "b"), addon("b", "a")]), /a -> b -> a/);
    assert.throws(() => inOrder([addon("a", "b")]), /add-on a needs b, which is not part of this cluster/);
  });
});

describe("descriptions of add-ons", function () {
  this.timeout(runTimeout);

  it("are read for validation without the kubernetes SDK", () => {
    const program = `
      require("./infra/config.ts");
      require("./components/addons/list.ts");
      console.log(JSON.stringify(Object.keys(require.cache).filter((file) => /@pulumi\\/(kubernetes|tls)\\//.test(file))));`;
    const loaded = execFileSync(process.execPath, ["--require", "tsx/cjs", "--eval", program], {
      cwd: join(__dirname, "..", ".."),
      encoding: "utf8",
    });
    assert.deepEqual(JSON.parse(loaded), []);
  });
});
