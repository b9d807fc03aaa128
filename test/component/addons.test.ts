/** Add-ons that every cluster has. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { image } from "../../components/addons/addon.js";
import { coredns, corefile } from "../../components/addons/coredns.js";
import { flannelFiles } from "../../components/addons/flannel.js";
import { kubeProxyFiles } from "../../components/addons/kubeProxy.js";
import { dropletAddresses, loadBalancerAddress } from "./support/mocks.js";
import { keyOf, type Registration, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly env?: readonly { name: string; value?: string }[];
  readonly resources?: { readonly requests?: Record<string, string>; readonly limits?: Record<string, string> };
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  };
}

interface PodTemplate {
  readonly metadata: { readonly annotations: Record<string, string> };
  readonly spec: {
    readonly hostNetwork?: boolean;
    readonly tolerations?: unknown;
    readonly priorityClassName?: string;
    readonly dnsPolicy?: string;
    readonly securityContext?: unknown;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
  };
}

const template = (registration: Registration): PodTemplate =>
  (registration.inputs["spec"] as { template: PodTemplate }).template;

describe("add-ons", function () {
  this.timeout(runTimeout);
  let single: Run;
  let available: Run;
  let workloads: readonly Registration[];
  before(async () => {
    single = await runProgram(testSpec());
    available = await runProgram(testSpec({ highAvailability: true }));
    workloads = [...single.of("DaemonSet"), ...single.of("Deployment")];
  });

  const containers = (): Container[] =>
    workloads.flatMap((each) => [...template(each).spec.containers, ...(template(each).spec.initContainers ?? [])]);

  it("run on workers whose taints come from a setting", async () => {
    const tolerations = (run: Run) =>
      template(run.of("Deployment").find(({ name }) => name.endsWith("coredns"))!).spec.tolerations;
    const tainted = await runProgram(
      testSpec({ nodeTaints: [{ key: "dedicated", value: "gpu", effect: "NoSchedule" }] }),
    );
    assert.deepEqual(tolerations(tainted), [{ key: "dedicated", operator: "Exists", effect: "NoSchedule" }]);
    assert.equal(tolerations(single), undefined);
  });

  it("use image digests where they are known", () => {
    const references = new Map(containers().map((each) => [each.name, each.image]));
    for (const [name, reference] of references) {
      if (name !== "kube-proxy") {
        assert.match(reference, /^[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/, name);
      }
    }
    assert.match(
      references.get("kube-proxy")!,
      /^registry\.k8s\.io\/kube-proxy:v\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?$/,
    );
  });

  it("have requests, a memory limit, a seccomp profile and a read-only root", () => {
    for (const each of containers()) {
      assert.ok(
        each.resources?.requests?.["cpu"] && each.resources.requests["memory"] && each.resources.limits?.["memory"],
        each.name,
      );
      assert.equal(each.securityContext?.readOnlyRootFilesystem, true, each.name);
    }
    for (const each of workloads) {
      const { seccompProfile } = template(each).spec.securityContext as { readonly seccompProfile: unknown };
      assert.deepEqual(seccompProfile, { type: "RuntimeDefault" }, each.name);
    }
  });

  it("have no more capabilities than these", () => {
    const rights = new Map(containers().map(({ name, securityContext }) => [name, securityContext]));
    assert.deepEqual(rights.get("coredns")?.capabilities, { drop: ["ALL"], add: ["NET_BIND_SERVICE"] });
    assert.deepEqual(rights.get("kube-flannel")?.capabilities, { drop: ["ALL"], add: ["NET_ADMIN", "NET_RAW"] });
    assert.deepEqual(rights.get("metrics-server")?.capabilities, { drop: ["ALL"] });
    assert.deepEqual(rights.get("local-path-provisioner"), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
      runAsNonRoot: true,
      runAsUser: 65534,
      runAsGroup: 65534,
    });
    assert.deepEqual(rights.get("install-plugin")?.capabilities, { drop: ["ALL"] });
    assert.deepEqual(
      [...rights].filter(([, context]) => context?.privileged).map(([name]) => name),
      ["kube-proxy"],
    );
  });

  it("that are DaemonSets run on every node, including controllers", () => {
    for (const each of single.of("DaemonSet")) {
      const { spec } = template(each);
      assert.equal(spec.hostNetwork, true);
      assert.equal(spec.priorityClassName, "system-node-critical");
      assert.deepEqual(spec.tolerations, [{ operator: "Exists" }]);
    }
  });

  it("that are DaemonSets are waited for without the provider's own wait, which counts nodes that are down", async () => {
    for (const each of single.of("DaemonSet")) {
      const { name, namespace, annotations } = each.inputs["metadata"] as {
        readonly [key: string]: unknown;
        readonly annotations: Readonly<Record<string, string>>;
      };
      assert.equal(annotations["pulumi.com/skipAwait"], "true");
      const pods = single.one("NodePods", each.name);
      assert.deepEqual([pods.inputs["name"], pods.inputs["namespace"]], [name, namespace]);
      assert.ok(pods.dependsOn.includes(keyOf(each)));
    }
    const templates = (run: Run) => run.of("NodePods").map(({ inputs }) => inputs["template"]);
    const verbose = await runProgram(testSpec({ logLevel: "DEBUG" }));
    assert.deepEqual(templates(available).length, 2);
    assert.notEqual(
      verbose.one("NodePods", "dev-kube-proxy").inputs["template"],
      single.one("NodePods", "dev-kube-proxy").inputs["template"],
    );
    assert.deepEqual(templates(await runProgram(testSpec())), templates(single));
  });

  it("have the usual names and namespace", () => {
    const names = [...workloads, ...single.of("Service")].map(
      ({ inputs }) => inputs["metadata"] as { name: string; namespace: string },
    );
    assert.deepEqual(names.map(({ name, namespace }) => `${namespace}/${name}`).sort(), [
      "kube-system/coredns",
      "kube-system/kube-dns",
      "kube-system/kube-flannel",
      "kube-system/kube-proxy",
      "kube-system/metrics-server",
      "kube-system/metrics-server",
      "local-path-storage/local-path-provisioner",
    ]);
  });

  it("of a node's network reach the API at its internal address, without the Service network", () => {
    const hosts = (run: Run): (string | undefined)[] => {
      const proxy = run.one("ConfigMap", "dev-kube-proxy").inputs["data"] as Record<string, string>;
      const server = (parse(proxy["kubeconfig"]!) as { clusters: { cluster: { server: string } }[] }).clusters[0]
        ?.cluster.server;
      const env = template(run.one("DaemonSet", "dev-kube-flannel")).spec.containers[0]?.env;
      const value = (name: string): string | undefined => env?.find((each) => each.name === name)?.value;
      return [server, `https://${value("KUBERNETES_SERVICE_HOST")}:${value("KUBERNETES_SERVICE_PORT")}`];
    };
    const controller = `https://${dropletAddresses("dev-controller-0").private}:6443`;
    assert.deepEqual(hosts(single), [controller, controller]);
    const balanced = `https://${loadBalancerAddress("dev-api-internal")}:6443`;
    assert.deepEqual(hosts(available), [balanced, balanced]);
  });

  it("are replaced when their configuration changes", async () => {
    const other = await runProgram(testSpec({ podCidr: "10.8.0.0/16", clusterDomain: "k8s.example.net" }));
    const annotation = (run: Run, type: string, name: string): unknown =>
      template(run.one(type, name)).metadata.annotations;
    for (const [type, name] of [
      ["DaemonSet", "dev-kube-proxy"],
      ["DaemonSet", "dev-kube-flannel"],
      ["Deployment", "dev-coredns"],
    ] as const) {
      assert.notDeepEqual(annotation(other, type, name), annotation(single, type, name));
    }
  });

  it("serve DNS on the tenth address of the service range, over UDP and TCP", () => {
    const { clusterIP, ports, selector } = single.one("Service", "dev-kube-dns").inputs["spec"] as Record<
      string,
      unknown
    >;
    assert.equal(clusterIP, "10.3.0.10");
    assert.deepEqual(selector, { "k8s-app": "kube-dns" });
    assert.deepEqual(ports, [
      { name: "dns", port: 53, protocol: "UDP" },
      { name: "dns-tcp", port: 53, protocol: "TCP" },
      { name: "metrics", port: 9153, protocol: "TCP" },
    ]);
    assert.equal(template(single.one("Deployment", "dev-coredns")).spec.dnsPolicy, "Default");
  });

  it("bind workers and API servers to these roles only", () => {
    const bound = single.of("ClusterRoleBinding").map(({ inputs }) => {
      const role = (inputs["roleRef"] as { name: string }).name;
      const subjects = inputs["subjects"] as { kind: string; name: string }[];
      return `${subjects.map(({ kind, name }) => `${kind} ${name}`).join(", ")} -> ${role}`;
    });
    assert.deepEqual(bound.sort(), [
      "Group system:bootstrappers -> system:certificates.k8s.io:certificatesigningrequests:nodeclient",
      "Group system:bootstrappers -> system:node-bootstrapper",
      "Group system:nodes -> system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
      "ServiceAccount coredns -> corekube:coredns",
      "ServiceAccount kube-flannel -> corekube:kube-flannel",
      "ServiceAccount kube-proxy -> system:node-proxier",
      "ServiceAccount local-path-provisioner -> corekube:local-path-provisioner",
      "ServiceAccount metrics-server -> corekube:metrics-server",
      "ServiceAccount metrics-server -> system:auth-delegator",
      "User corekube:csr-approver -> corekube:csr-approver",
      "User kube-apiserver-kubelet-client -> system:kubelet-api-admin",
    ]);
  });

  it("let controllers delete Nodes of controllers only", () => {
    const { rules } = single.one("ClusterRole", "dev-csr-approver").inputs as unknown as {
      rules: { verbs: string[]; resources: string[]; resourceNames?: string[] }[];
    };
    const deleting = rules.filter(({ verbs }) => verbs.includes("delete") || verbs.includes("*"));
    assert.deepEqual(
      deleting.map(({ resources, resourceNames }) => [resources, resourceNames]),
      [[["nodes"], ["dev-controller-0"]]],
    );
  });
});

describe("configuration of add-ons", function () {
  this.timeout(runTimeout);
  it("of kube-proxy: nftables, node ports on all addresses, the system's own connection limit", () => {
    const files = kubeProxyFiles({ podCidr: "10.2.0.0/16" }, "https://10.4.0.2:6443");
    const config = parse(files["config.yaml"]!) as Record<string, unknown>;
    assert.equal(config["mode"], "nftables");
    assert.equal(config["clusterCIDR"], "10.2.0.0/16");
    assert.deepEqual(config["nodePortAddresses"], ["0.0.0.0/0"]);
    assert.deepEqual(config["conntrack"], { maxPerCore: 0 });
    assert.equal(config["metricsBindAddress"], "0.0.0.0:10249");
  });

  it("of flannel: the pods' range over vxlan, host ports on nodes", () => {
    const files = flannelFiles({ podCidr: "10.2.0.0/16", networkMtu: 0 });
    const network = JSON.parse(files["net-conf.json"]!) as { Network: string; Backend: unknown };
    assert.equal(network.Network, "10.2.0.0/16");
    assert.deepEqual(network.Backend, { Type: "vxlan" });
    const smaller = flannelFiles({ podCidr: "10.2.0.0/16", networkMtu: 1500 });
    assert.deepEqual((JSON.parse(smaller["net-conf.json"]!) as { Backend: unknown }).Backend, {
      Type: "vxlan",
      MTU: 1500,
    });
    const cni = JSON.parse(files["10-flannel.conflist"]!) as {
      cniVersion: string;
      plugins: { type: string; capabilities?: unknown }[];
    };
    assert.equal(cni.cniVersion, "0.3.1");
    assert.deepEqual(
      cni.plugins.map(({ type }) => type),
      ["flannel", "portmap"],
    );
    assert.deepEqual(cni.plugins[1]?.capabilities, { portMappings: true });
  });

  it("of CoreDNS: the cluster's domain, then the node's resolvers", () => {
    const text = corefile(testSpec({ clusterDomain: "k8s.example.net" }));
    assert.match(text, /^ {4}kubernetes k8s\.example\.net in-addr\.arpa ip6\.arpa \{$/m);
    // With the second address it starts on a node that has no resolver.
    assert.match(text, /^ {4}forward \. \/etc\/resolv\.conf 127\.0\.0\.1:9 \{\n {8}policy sequential$/m);
    assert.equal(text.split("{").length, text.split("}").length);
  });

  it("of CoreDNS: own upstreams, and a server for each stub domain", () => {
    const { addons } = testSpec();
    const own = {
      upstreams: ["192.0.2.53", "192.0.2.54"],
      stub_domains: { "corp.example": ["10.200.0.2"], "lab.example": ["10.200.0.3", "10.200.0.4"] },
    };
    const text = corefile(testSpec({ addons: { ...addons, coredns: { ...addons.coredns, ...own } } }));
    assert.match(text, /^ {4}forward \. 192\.0\.2\.53 192\.0\.2\.54 \{$/m);
    assert.doesNotMatch(text, /resolv\.conf/);
    assert.match(text, /^corp\.example:53 \{\n {4}errors\n {4}forward \. 10\.200\.0\.2 \{$/m);
    assert.match(text, /^lab\.example:53 \{\n {4}errors\n {4}forward \. 10\.200\.0\.3 10\.200\.0\.4 \{$/m);
    assert.equal(text.split("{").length, text.split("}").length);
  });

  it("gives CoreDNS two pods, one for each 16 workers, or as many as the setting says", () => {
    const { addons } = testSpec();
    const pods = (workerCount: number, replicas?: number): number | undefined =>
      coredns.replicas?.(testSpec({ workerCount, addons: { ...addons, coredns: { ...addons.coredns, replicas } } }));
    assert.deepEqual(
      [1, 2, 32, 33, 1000].map((count) => pods(count)),
      [2, 2, 2, 3, 63],
    );
    assert.deepEqual([pods(1000, 5), pods(1, 1)], [5, 1]);
  });

  it("reports an unknown image and the known ones", () => {
    assert.throws(
      () => image({ images: { coredns: { name: "coredns:1", digest: null } } }, "flannel"),
      /images\.flannel.*coredns/,
    );
  });
});
