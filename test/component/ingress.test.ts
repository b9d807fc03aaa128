/** The add-on for Ingresses: on public workers, and behind a load balancer. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { ingressFiles } from "../../components/addons/ingress.js";
import type { ClusterSpec } from "../../components/spec/cluster.js";
import { validate } from "../../infra/settings/validate.js";
import { addonNeeds } from "../../infra/settings/sizes.js";
import { cloudSpec, setToken } from "./support/cloudSpecs.js";
import { keyOf, type Registration, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

type Block = ClusterSpec["addons"]["ingress"];

interface Pod {
  readonly [key: string]: unknown;
  readonly securityContext: object;
  readonly containers: readonly [
    {
      readonly args: readonly string[];
      readonly ports: readonly { readonly name: string; readonly containerPort: number; readonly hostPort?: number }[];
      readonly securityContext: object;
      readonly volumeMounts: readonly { readonly mountPath: string }[];
    },
  ];
  readonly volumes: readonly object[];
}

interface Static {
  readonly accessLog?: object;
  readonly api?: object;
  readonly entryPoints: Record<
    string,
    { readonly address: string; readonly transport: object; readonly http?: object }
  >;
  readonly providers: Record<string, object>;
}

const withBlock = (spec: ClusterSpec, block: Partial<Block> = {}): ClusterSpec => ({
  ...spec,
  addons: { ...spec.addons, ingress: { ...spec.addons.ingress, enabled: true, ...block } },
});
const onNodes = (block: Partial<Block> = {}, changes: Partial<ClusterSpec> = {}): ClusterSpec => {
  const spec = testSpec(changes);
  return withBlock({ ...spec, publicWorkers: { ...spec.publicWorkers, count: 2 } }, block);
};
const balanced = (block: Partial<Block> = {}): ClusterSpec =>
  withBlock(cloudSpec("digitalocean"), { expose: "load_balancer", ...block });

const podOf = (workload: Registration): Pod => (workload.inputs["spec"] as { template: { spec: Pod } }).template.spec;
const labelsOf = (registration: Registration) => (registration.inputs["metadata"] as { labels: object }).labels;
const settingsOf = (spec: ClusterSpec): Static => parse(ingressFiles(spec)["traefik.yaml"]!) as Static;
const last = (registration: Registration): string => keyOf(registration).split(":").pop()!;
const level = (of: string) =>
  Object.fromEntries(["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, of]));

/** The add-on's own objects: those that a cluster without it does not have. */
const added = (run: Run, without: Run): string[] => {
  const others = new Set(without.registrations.map(keyOf));
  return run.registrations
    .filter((each) => !others.has(keyOf(each)))
    .map(last)
    .sort();
};

describe("the add-on for Ingresses", function () {
  this.timeout(runTimeout);
  let nodes: Run;
  let behind: Run;
  before(async () => {
    setToken();
    nodes = await runProgram(onNodes());
    behind = await runProgram(balanced());
  });

  it("is off by default", async () => {
    const run = await runProgram(testSpec());
    assert.deepEqual(run.of("IngressClass"), []);
    assert.deepEqual(
      run.of("Namespace").filter(({ name }) => name.includes("ingress")),
      [],
    );
  });

  it("has these objects on nodes, and changes no other", async () => {
    const spec = onNodes();
    const without = await runProgram(withBlock(spec, { enabled: false }));
    assert.deepEqual(added(nodes, without), [
      "ClusterRole/dev-traefik",
      "ClusterRoleBinding/dev-traefik",
      "ConfigMap/dev-traefik",
      "DaemonSet/dev-traefik",
      "IngressClass/dev-ingress-class-traefik",
      "Namespace/dev-namespace-ingress",
      "NodePods/dev-traefik",
      "ServiceAccount/dev-traefik",
    ]);
    for (const each of without.registrations.filter(({ custom }) => custom)) {
      const same = nodes.registrations.find((other) => keyOf(other) === keyOf(each))!;
      assert.deepEqual(same.inputs, each.inputs, keyOf(each));
    }
  });

  it("has these objects behind a load balancer", async () => {
    assert.deepEqual(added(behind, await runProgram(cloudSpec("digitalocean"))), [
      "ClusterRole/dev-traefik-balanced",
      "ClusterRoleBinding/dev-traefik-balanced",
      "ConfigMap/dev-traefik-balanced",
      "Deployment/dev-traefik-balanced",
      "IngressClass/dev-ingress-class-traefik",
      "Namespace/dev-namespace-ingress",
      "PodDisruptionBudget/dev-traefik-balanced",
      "Service/dev-traefik",
      "ServiceAccount/dev-traefik-balanced",
    ]);
  });

  it("runs on public workers whatever their taints are, and on no others", async () => {
    const taints = [{ key: "edge", value: "x", effect: "NoExecute" as const }];
    const pod = podOf((await runProgram(onNodes({}, { publicNodeTaints: taints }))).one("DaemonSet", "dev-traefik"));
    assert.deepEqual(pod["nodeSelector"], { "kubernetes.io/os": "linux", "corekube.io/pool": "public" });
    assert.deepEqual(pod["tolerations"], [
      { key: "corekube.io/pool", operator: "Exists", effect: "NoSchedule" },
      { key: "edge", operator: "Exists", effect: "NoExecute" },
    ]);
    assert.equal(pod["hostNetwork"], undefined);
    const { nodeSelector, tolerations } = podOf(behind.one("Deployment", "dev-traefik-balanced")) as Record<
      string,
      unknown
    >;
    assert.deepEqual([nodeSelector, tolerations], [{ "kubernetes.io/os": "linux" }, undefined]);
  });

  it("starts when all public workers have joined, and after the add-on before it", () => {
    const after = nodes.one("DaemonSet", "dev-traefik").dependsOn.map((key) => key.split(":").pop());
    for (const key of [
      "Join/dev-public-0",
      "Join/dev-public-1",
      "ClusterRoleBinding/dev-traefik",
      "IngressClass/dev-ingress-class-traefik",
      "Deployment/dev-local-path-provisioner",
    ])
      assert.ok(after.includes(key), `${key} is not among ${after.join(", ")}`);
    // It makes and removes the load balancer, so that it has to outlive the Service.
    assert.ok(
      behind
        .one("Deployment", "dev-traefik-balanced")
        .dependsOn.some((key) => key.endsWith("NodePods/dev-cloud-controller-manager")),
    );
  });

  it("listens on ports 80 and 443 of public workers, and on none behind a load balancer", () => {
    const ports = (workload: Registration) =>
      podOf(workload).containers[0].ports.map(({ name, containerPort, hostPort }) => [name, containerPort, hostPort]);
    assert.deepEqual(ports(nodes.one("DaemonSet", "dev-traefik")), [
      ["web", 8000, 80],
      ["websecure", 8443, 443],
      ["ping", 8080, undefined],
    ]);
    assert.deepEqual(
      ports(behind.one("Deployment", "dev-traefik-balanced")).map(([, , hostPort]) => hostPort),
      [undefined, undefined, undefined],
    );
    const { entryPoints } = settingsOf(onNodes());
    assert.deepEqual(
      Object.entries(entryPoints).map(([name, { address }]) => [name, address]),
      [
        ["web", ":8000"],
        ["websecure", ":8443"],
        ["ping", ":8080"],
      ],
    );
  });

  it("keeps to the level of Pod Security of its namespace: restricted, but for the machine's ports", () => {
    assert.deepEqual(labelsOf(nodes.one("Namespace", "dev-namespace-ingress")), level("privileged"));
    assert.deepEqual(labelsOf(behind.one("Namespace", "dev-namespace-ingress")), level("restricted"));
    for (const workload of [nodes.one("DaemonSet", "dev-traefik"), behind.one("Deployment", "dev-traefik-balanced")]) {
      const { securityContext, containers } = podOf(workload);
      assert.deepEqual(securityContext, {
        seccompProfile: { type: "RuntimeDefault" },
        runAsNonRoot: true,
        runAsUser: 65_532,
        runAsGroup: 65_532,
      });
      assert.deepEqual(containers[0].securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    }
  });

  it("reads what Ingresses are made of, and writes nothing but their addresses", () => {
    const rights = (run: Run, name: string) =>
      (run.one("ClusterRole", name).inputs["rules"] as { resources: string[]; verbs: string[] }[]).map(
        ({ resources, verbs }) => `${resources.join()}: ${verbs.join()}`,
      );
    const reads = [
      "services,secrets,nodes: list,watch",
      "endpointslices: list,watch",
      "ingresses,ingressclasses: list,watch",
    ];
    assert.deepEqual(rights(nodes, "dev-traefik"), reads);
    assert.deepEqual(rights(behind, "dev-traefik-balanced"), [...reads, "ingresses/status: update"]);
  });

  it("has a load balancer that passes connections only to workers with a pod", () => {
    const { type, externalTrafficPolicy, ports, selector } = behind.one("Service", "dev-traefik").inputs[
      "spec"
    ] as Record<string, unknown>;
    assert.deepEqual([type, externalTrafficPolicy], ["LoadBalancer", "Local"]);
    assert.deepEqual(selector, { "k8s-app": "traefik-balanced" });
    assert.deepEqual(ports, [
      { name: "web", port: 80, targetPort: "web" },
      { name: "websecure", port: 443, targetPort: "websecure" },
    ]);
  });

  it("is the default class", () => {
    const { metadata, spec } = nodes.one("IngressClass", "dev-ingress-class-traefik").inputs as Record<string, object>;
    assert.deepEqual(metadata, {
      name: "traefik",
      annotations: { "ingressclass.kubernetes.io/is-default-class": "true" },
    });
    assert.deepEqual(spec, { controller: "traefik.io/ingress-controller" });
  });

  it("is counted for the size of the machines that it runs on", () => {
    const needs = (ingress: object, role: "worker" | "public") =>
      addonNeeds(
        validate({
          region: "fra1",
          admin_cidrs: ["192.0.2.1/32"],
          public_node_count: 1,
          node_count: 2,
          addons: { ingress },
        }).settings!,
        role,
      ).memory;
    const more = (ingress: object, role: "worker" | "public") => needs(ingress, role) - needs({}, role);
    assert.deepEqual([more({ enabled: true }, "public"), more({ enabled: true }, "worker")], [96, 0]);
  });
});

describe("configuration of the add-on for Ingresses", () => {
  it("redirects to the port outside, lets challenges of authorities through, and can do without", () => {
    assert.deepEqual(settingsOf(onNodes()).entryPoints["web"], {
      address: ":8000",
      asDefault: true,
      transport: { lifeCycle: { requestAcceptGraceTimeout: "0s", graceTimeOut: "20s" } },
      allowACMEByPass: true,
      http: { redirections: { entryPoint: { to: ":443", scheme: "https" } } },
    });
    const { web, websecure } = settingsOf(onNodes({ redirect: false })).entryPoints;
    assert.equal(web!.http, undefined);
    assert.deepEqual(websecure!.http, { tls: {} });
  });

  it("has no dashboard, calls nobody, and logs requests only with the level DEBUG", () => {
    const text = ingressFiles(onNodes())["traefik.yaml"]!;
    assert.match(text, /^ {2}checkNewVersion: false$/m);
    assert.match(text, /^ {2}sendAnonymousUsage: false$/m);
    assert.equal(settingsOf(onNodes()).api, undefined);
    assert.equal(settingsOf(onNodes()).accessLog, undefined);
    assert.deepEqual(settingsOf(onNodes({}, { logLevel: "DEBUG" })).accessLog, { format: "json" });
  });

  it("takes requests for a while when its pod ends, if a load balancer has to notice", () => {
    assert.deepEqual(settingsOf(balanced()).entryPoints["websecure"]!.transport, {
      lifeCycle: { requestAcceptGraceTimeout: "30s", graceTimeOut: "20s" },
    });
    assert.deepEqual(settingsOf(balanced()).providers["kubernetesIngress"], {
      strictPrefixMatching: true,
      ingressEndpoint: { publishedService: "ingress/traefik" },
    });
  });

  it("has the default certificate beside the file that names it, so that a change of the Secret is seen", async () => {
    const spec = onNodes({ default_certificate: "example-tls" });
    assert.deepEqual(settingsOf(spec).providers["file"], { directory: "/etc/traefik-certificate", watch: true });
    assert.deepEqual(parse(ingressFiles(spec)["default-certificate.yaml"]!), {
      tls: {
        stores: {
          default: {
            defaultCertificate: {
              certFile: "/etc/traefik-certificate/tls.crt",
              keyFile: "/etc/traefik-certificate/tls.key",
            },
          },
        },
      },
    });
    const pod = podOf((await runProgram(spec)).one("DaemonSet", "dev-traefik"));
    assert.deepEqual(pod.volumes[1], {
      name: "certificate",
      projected: {
        sources: [
          {
            configMap: {
              name: "traefik",
              items: [{ key: "default-certificate.yaml", path: "default-certificate.yaml" }],
            },
          },
          { secret: { name: "example-tls", optional: true } },
        ],
      },
    });
    assert.deepEqual(
      pod.containers[0].volumeMounts.map(({ mountPath }) => mountPath),
      ["/etc/traefik", "/etc/traefik-certificate"],
    );
  }).timeout(runTimeout);
});
