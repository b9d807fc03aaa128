/** Add-ons of a cloud: cloud controller managers, CSI drivers, storage classes. */
import assert from "node:assert/strict";
import { cloudConfig } from "../../components/aws/addon.js";
import { cloudSpec, setToken, token } from "./support/cloudSpecs.js";
import { keyOf, type Registration, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { awsTestSpec, testSpec } from "./support/spec.js";

interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { name: string; value?: string; valueFrom?: unknown }[];
  readonly resources?: { readonly requests?: Record<string, string>; readonly limits?: Record<string, string> };
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly capabilities?: unknown;
  };
  readonly volumeMounts?: readonly { name: string; mountPath: string }[];
}

interface Pod {
  readonly hostNetwork?: boolean;
  readonly tolerations?: readonly { key?: string; operator: string; effect?: string }[];
  readonly affinity?: {
    nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: unknown[] } };
    podAntiAffinity?: unknown;
  };
  readonly securityContext?: Record<string, unknown>;
  readonly serviceAccountName?: string;
  readonly containers: readonly Container[];
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const pod = (registration: Registration): Pod =>
  (registration.inputs["spec"] as { template: { spec: Pod } }).template.spec;
const rules = (registration: Registration): readonly Rule[] => registration.inputs["rules"] as Rule[];
const metadata = (registration: Registration) =>
  registration.inputs["metadata"] as {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
const manager = (run: Run): Registration => run.one("DaemonSet", "dev-cloud-controller-manager");

describe("add-ons of a cloud", function () {
  this.timeout(runTimeout);
  let aws: Run;
  let awsAvailable: Run;
  let digitalocean: Run;
  let none: Run;
  before(async () => {
    setToken();
    aws = await runProgram(cloudSpec("aws"));
    awsAvailable = await runProgram(cloudSpec("aws", { highAvailability: true }));
    digitalocean = await runProgram(cloudSpec("digitalocean"));
    none = await runProgram(testSpec());
  });
  const both = (): readonly (readonly [string, Run])[] => [
    ["aws", aws],
    ["digitalocean", digitalocean],
  ];

  it("are absent without a cloud provider", () => {
    assert.deepEqual(
      [
        ...none.of("StorageClass").filter(({ inputs }) => inputs["provisioner"] !== "rancher.io/local-path"),
        ...none.of("CSIDriver"),
        ...none.of("ValidatingAdmissionPolicy"),
        ...none.of("Secret").filter(({ name }) => !/-(etcd-metrics|metrics-server-certificate)$/.test(name)),
      ],
      [],
    );
    assert.ok(!none.of("DaemonSet").some(({ name }) => name.includes("cloud")));
  });

  it("are the same objects on both clouds, except for the token that one of them needs", () => {
    const shapes = (run: Run): string[] =>
      run.registrations
        .filter(({ type }) => type.startsWith("kubernetes:"))
        .map((each) => keyOf(each).replace(/(ebs|do)-csi/, "csi"))
        .filter((key) => !key.endsWith("csi-node") || key.includes("DaemonSet"))
        .sort();
    assert.deepEqual(
      shapes(digitalocean).filter((key) => !key.endsWith("Secret/dev-digitalocean") && !key.includes("ConfigMap")),
      shapes(aws).filter((key) => !key.includes("ConfigMap")),
    );
  });

  describe("cloud controller manager", () => {
    it("runs on controllers only, selected by name", () => {
      const terms = (run: Run): unknown =>
        pod(manager(run)).affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
      const only = (...names: string[]): unknown =>
        names.map((name) => ({ matchFields: [{ key: "metadata.name", operator: "In", values: [name] }] }));
      assert.deepEqual(terms(aws), only("dev-controller-0"));
      assert.deepEqual(terms(awsAvailable), only("dev-controller-0", "dev-controller-1", "dev-controller-2"));
    });

    it("starts before any node is initialized, in the machines' network, beside its API server", () => {
      for (const [, run] of both()) {
        const { tolerations = [], hostNetwork, containers } = pod(manager(run));
        const keys = tolerations.map(({ key }) => key);
        for (const key of [
          "node.cloudprovider.kubernetes.io/uninitialized",
          "node-role.kubernetes.io/control-plane",
          "node.kubernetes.io/not-ready",
        ])
          assert.ok(keys.includes(key), key);
        assert.equal(hostNetwork, true);
        assert.ok(
          containers[0]?.env?.some(({ name, value }) => name === "KUBERNETES_SERVICE_HOST" && value === "127.0.0.1"),
        );
        assert.ok(containers[0]?.args?.includes("--leader-elect=true"));
        assert.ok(containers[0]?.args?.includes("--cluster-name=dev"));
      }
    });

    it("runs before workers join, and after the policy for nodes' addresses", () => {
      for (const [, run] of both()) {
        const pods = keyOf(run.one("NodePods", "dev-cloud-controller-manager"));
        for (const join of run.of("Join")) assert.ok(join.dependsOn.includes(pods), join.name);
        const after = manager(run).dependsOn.map((key) => key.split(":").pop());
        assert.ok(after.includes("ValidatingAdmissionPolicyBinding/dev-node-addresses"), after.join());
      }
    });

    it("does not block the network's pods, which tolerate all taints", () => {
      for (const name of ["dev-kube-flannel", "dev-kube-proxy"])
        assert.deepEqual(pod(aws.one("DaemonSet", name)).tolerations, [{ operator: "Exists" }]);
      const coredns = aws.one("Deployment", "dev-coredns");
      assert.equal(pod(coredns).tolerations, undefined);
      assert.ok(
        coredns.dependsOn.some((key) => key.endsWith("Join/dev-worker-0")),
        "it waits for workers that are initialized",
      );
    });

    it("runs as user nobody, without any capability, and writes nothing", () => {
      for (const [, run] of both()) {
        const { securityContext, containers } = pod(manager(run));
        assert.deepEqual(securityContext, {
          seccompProfile: { type: "RuntimeDefault" },
          runAsNonRoot: true,
          runAsUser: 65_534,
          runAsGroup: 65_534,
        });
        assert.deepEqual(containers[0]?.securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    });

    it("of AWS has the flags and the configuration that its network needs", () => {
      const { args = [], volumeMounts } = pod(manager(aws)).containers[0]!;
      for (const flag of [
        "--cloud-provider=aws",
        "--use-service-account-credentials=true",
        "--configure-cloud-routes=false",
        "--cloud-config=/etc/cloud-controller-manager/cloud.conf",
      ]) {
        assert.ok(args.includes(flag), flag);
      }
      assert.deepEqual(volumeMounts, [{ name: "config", mountPath: "/etc/cloud-controller-manager", readOnly: true }]);
      assert.deepEqual(Object.keys(aws.one("ConfigMap", "dev-cloud-controller-manager").inputs["data"] as object), [
        "cloud.conf",
      ]);
    });

    it("may create tokens for the accounts of its controllers only, and use its own lease", () => {
      const own = rules(aws.one("Role", "dev-cloud-controller-manager"));
      const tokens = own.filter(({ resources }) => resources.includes("serviceaccounts/token"));
      assert.deepEqual(
        tokens.map(({ resourceNames }) => resourceNames),
        [["node-controller", "service-controller", "route-controller", "aws-cloud-provider"]],
      );
      assert.deepEqual(
        rules(digitalocean.one("Role", "dev-cloud-controller-manager")).flatMap(({ resources }) => resources),
        ["leases", "leases"],
      );
      for (const [, run] of both()) {
        for (const rule of rules(run.one("ClusterRole", "dev-cloud-controller-manager"))) {
          assert.ok(
            !rule.verbs.includes("*") &&
              !rule.resources.some((resource) => /secrets|serviceaccounts|pods|\*/.test(resource)),
            JSON.stringify(rule),
          );
        }
      }
    });
  });

  it("create load balancers in the machines' own network on DigitalOcean", () => {
    const env = pod(manager(digitalocean)).containers[0]?.env ?? [];
    assert.deepEqual(
      env.find(({ name }) => name === "DO_CLUSTER_VPC_ID"),
      { name: "DO_CLUSTER_VPC_ID", value: digitalocean.of("Vpc").map(({ name }) => `vpc-${name}`)[0] },
    );
  });

  describe("token of DigitalOcean", () => {
    it("is a secret wherever it is kept", () => {
      const secret = digitalocean.one("Secret", "dev-digitalocean");
      assert.deepEqual(secret.inputs["stringData"], { "access-token": token });
      assert.ok(!JSON.stringify(digitalocean.registrations.map(({ readable }) => readable)).includes(token));
    });

    it("reaches pods on the controllers only", () => {
      const readers = [...digitalocean.of("DaemonSet"), ...digitalocean.of("Deployment")].filter((each) =>
        JSON.stringify(pod(each)).includes('"secretKeyRef"'),
      );
      assert.deepEqual(readers.map(({ name }) => name).sort(), [
        "dev-cloud-controller-manager",
        "dev-do-csi-controller",
      ]);
      for (const reader of readers) assert.ok(pod(reader).affinity?.nodeAffinity, reader.name);
    });

    it("is the cluster's own where there is one, and else the program's", async () => {
      const given = async (name: string): Promise<unknown> =>
        (await runProgram(cloudSpec("digitalocean", { name }))).one("Secret", `${name}-digitalocean`).inputs[
          "stringData"
        ];
      setToken("of the program", "of the cluster");
      try {
        assert.deepEqual(await given("own"), { "access-token": "of the cluster" });
        setToken("of the program");
        assert.deepEqual(await given("shared"), { "access-token": "of the program" });
      } finally {
        setToken();
      }
    });

    it("is named in the error when it is missing", async () => {
      setToken(null);
      try {
        await assert.rejects(
          runProgram(cloudSpec("digitalocean", { name: "bare" })),
          /digitalocean-cluster:token: got nothing.*account:read.*pulumi config set --secret digitalocean-cluster:token/,
        );
      } finally {
        setToken();
      }
    });
  });

  describe("CSI driver", () => {
    it("is left out with csi_driver false, but the classes are not", async () => {
      const run = await runProgram(cloudSpec("aws", { csiDriver: false }));
      assert.deepEqual(run.of("CSIDriver"), []);
      assert.ok(![...run.of("DaemonSet"), ...run.of("Deployment")].some(({ name }) => name.includes("csi")));
      assert.equal(run.of("StorageClass").length, 2);
    });

    it("has two controllers on different machines if there are several", () => {
      const replicas = (run: Run): unknown =>
        (run.one("Deployment", "dev-ebs-csi-controller").inputs["spec"] as { replicas: number }).replicas;
      assert.equal(replicas(aws), 1);
      assert.equal(replicas(awsAvailable), 2);
      assert.ok(pod(awsAvailable.one("Deployment", "dev-ebs-csi-controller")).affinity?.podAntiAffinity);
      assert.equal(awsAvailable.of("PodDisruptionBudget").filter(({ name }) => name.includes("csi")).length, 1);
    });

    it("is privileged only where it mounts", () => {
      for (const [cloud, run] of both()) {
        const privileged = [...run.of("DaemonSet"), ...run.of("Deployment")].flatMap((each) =>
          pod(each)
            .containers.filter(({ securityContext }) => securityContext?.privileged)
            .map(({ name }) => `${metadata(each).namespace}/${each.name}/${name}`),
        );
        assert.deepEqual(privileged.sort(), [
          `kube-system/dev-${cloud === "aws" ? "ebs" : "do"}-csi-node/driver`,
          "kube-system/dev-kube-proxy/kube-proxy",
        ]);
      }
    });

    it("gives nodes no right over other nodes", () => {
      for (const rule of rules(aws.one("ClusterRole", "dev-ebs-csi-node")))
        assert.deepEqual(
          rule.verbs.filter((verb) => !["get", "list", "watch"].includes(verb)),
          [],
        );
      assert.ok(!digitalocean.of("ClusterRole").some(({ name }) => name === "dev-do-csi-node"));
    });

    it("reads its zone from the Node on AWS, because pods cannot reach the metadata service", () => {
      const node = pod(aws.one("DaemonSet", "dev-ebs-csi-node"));
      assert.equal(node.hostNetwork, false);
      assert.ok(node.containers[0]?.args?.includes("--metadata-sources=kubernetes"));
    });
  });

  it("use image digests where they are known", () => {
    const images = both().flatMap(([, run]) =>
      [...run.of("DaemonSet"), ...run.of("Deployment")].flatMap((each) =>
        pod(each).containers.map(({ image }) => image),
      ),
    );
    assert.deepEqual(
      [
        ...new Set(images.filter((image) => !image.includes("@sha256:")).map((image) => image.replace(/:[^:]*$/, ""))),
      ].sort(),
      [
        "docker.io/digitalocean/digitalocean-cloud-controller-manager",
        "docker.io/digitalocean/do-csi-plugin",
        "registry.k8s.io/kube-proxy",
        "registry.k8s.io/provider-aws/cloud-controller-manager",
      ],
    );
  });

  it("have requests, a memory limit, a read-only root and a seccomp profile everywhere", () => {
    for (const [, run] of both()) {
      for (const each of [...run.of("DaemonSet"), ...run.of("Deployment")]) {
        assert.deepEqual(pod(each).securityContext?.["seccompProfile"], { type: "RuntimeDefault" }, each.name);
        for (const container of pod(each).containers) {
          const { resources, securityContext, name, image } = container;
          assert.ok(
            resources?.requests?.["cpu"] && resources.requests["memory"] && resources.limits?.["memory"],
            `${each.name}/${name}`,
          );
          assert.equal(securityContext?.readOnlyRootFilesystem, true, `${each.name}/${name}`);
          assert.match(
            image,
            /^[a-z0-9.]+\/[a-z0-9./-]+:v?[\d.]+(-[\w.]+)?(@sha256:[0-9a-f]{64})?$/,
            `${each.name}/${name}`,
          );
        }
      }
    }
  });

  describe("storage classes", () => {
    const classes = (run: Run) => new Map(run.of("StorageClass").map((each) => [metadata(each).name, each]));

    it("have the same two names, labels and modes on both clouds, and one default", () => {
      for (const [cloud, run] of both()) {
        assert.deepEqual([...classes(run).keys()].sort(), ["cold-hdd", "ssd"]);
        for (const [name, { inputs }] of classes(run)) {
          const { labels, annotations } = inputs["metadata"] as {
            labels: unknown;
            annotations: Record<string, string>;
          };
          assert.deepEqual(labels, { "kubernetes.io/cluster-service": "true" });
          assert.equal(annotations["storageclass.kubernetes.io/is-default-class"], name === "ssd" ? "true" : undefined);
          assert.equal(inputs["provisioner"], cloud === "aws" ? "ebs.csi.aws.com" : "dobs.csi.digitalocean.com");
          assert.equal(inputs["volumeBindingMode"], "WaitForFirstConsumer");
          assert.equal(inputs["allowVolumeExpansion"], true);
        }
      }
    });

    it("of AWS are encrypted, and have the configured type or that of cold disks", async () => {
      const parameters = (run: Run, name: string): unknown => classes(run).get(name)?.inputs["parameters"];
      assert.deepEqual(parameters(aws, "ssd"), { type: "gp3", encrypted: "true" });
      assert.deepEqual(parameters(aws, "cold-hdd"), { type: "sc1", encrypted: "true" });
      const guaranteed = await runProgram(cloudSpec("aws", { aws: { volumeType: "io2" } }));
      assert.deepEqual(parameters(guaranteed, "ssd"), { type: "io2", iopsPerGB: "50", encrypted: "true" });
    });

    it("of DigitalOcean note that there are no cold volumes", () => {
      assert.match(
        metadata(classes(digitalocean).get("cold-hdd")!).annotations?.["corekube.io/note"] ?? "",
        /no cold volumes/,
      );
    });
  });
});

describe("configuration of the AWS cloud controller manager", () => {
  const { region } = awsTestSpec();

  it("names the cluster and its region, and nothing that the machine's metadata has", () => {
    assert.equal(
      cloudConfig(awsTestSpec()),
      `[Global]\nRegion = "${region}"\nKubernetesClusterID = "dev"\nNodeIPFamilies = "ipv4"\n`,
    );
  });

  it("overrides endpoints of services under the SDK's names", () => {
    const text = cloudConfig(
      awsTestSpec({
        aws: { endpoints: { ec2: "http://198.18.0.1:8080", elasticloadbalancing: "http://198.18.0.2:8080" } },
      }),
    );
    const sections = text
      .split("[ServiceOverride")
      .slice(1)
      .map((section) =>
        Object.fromEntries([...section.matchAll(/^(\w+) = "(.*)"$/gm)].map(([, key = "", value]) => [key, value])),
      );
    const rest = { Region: region, SigningRegion: region };
    assert.deepEqual(sections, [
      { Service: "EC2", URL: "http://198.18.0.1:8080", SigningName: "ec2", ...rest },
      {
        Service: "Elastic Load Balancing",
        URL: "http://198.18.0.2:8080",
        SigningName: "elasticloadbalancing",
        ...rest,
      },
      {
        Service: "Elastic Load Balancing v2",
        URL: "http://198.18.0.2:8080",
        SigningName: "elasticloadbalancing",
        ...rest,
      },
    ]);
  });

  it("is refused for a cluster that is not on AWS", () => {
    assert.throws(() => cloudConfig(testSpec()), /got digitalocean, expected aws/);
  });
});
