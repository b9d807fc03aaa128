/** metrics-server: certificates at both ends, rights, and what a highly available cluster has of it. */
import assert from "node:assert/strict";
import { keyOf, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

interface Container {
  readonly args: readonly string[];
  readonly readinessProbe: { readonly httpGet: unknown };
  readonly volumeMounts: unknown;
}

interface DeploymentSpec {
  readonly replicas: number;
  readonly template: {
    readonly spec: {
      readonly securityContext: unknown;
      readonly volumes: unknown;
      readonly affinity?: unknown;
      readonly containers: readonly [Container];
    };
  };
}

const name = "dev-metrics-server";
const deploymentOf = (run: Run): DeploymentSpec => run.one("Deployment", name).inputs["spec"] as DeploymentSpec;
const own = (run: Run): string[] =>
  run.registrations
    .filter((each) => each.name.startsWith(name))
    .map((each) => keyOf(each).replace(/^.*:/, ""))
    .sort();

describe("metrics-server", function () {
  this.timeout(runTimeout);
  let single: Run;
  let available: Run;
  before(async () => {
    single = await runProgram(testSpec());
    available = await runProgram(testSpec({ highAvailability: true }));
  });
  const { addons } = testSpec();
  const flags = (): readonly string[] => deploymentOf(single).template.spec.containers[0].args;

  it("verifies kubelets by the cluster's authority at the addresses in their certificates", () => {
    assert.deepEqual(
      flags().filter((flag) => flag.startsWith("--kubelet")),
      [
        "--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        "--kubelet-use-node-status-port",
      ],
    );
    assert.ok(flags().includes("--metric-resolution=15s"));
  });

  it("has a server's certificate of the cluster's authority for its Service, by which API servers verify it", () => {
    const { subject, dnsNames } = single.one("CertRequest", name).inputs;
    assert.deepEqual(
      [subject, dnsNames],
      [{ commonName: "metrics-server.kube-system.svc" }, ["metrics-server.kube-system.svc"]],
    );
    const signed = single.one("LocallySignedCert", name).inputs;
    assert.deepEqual(signed["allowedUses"], ["digital_signature", "server_auth"]);
    const spec = single.one("APIService", name).inputs["spec"] as Record<string, unknown>;
    assert.equal(Buffer.from(String(spec["caBundle"]), "base64").toString(), signed["caCertPem"]);
    assert.equal(spec["insecureSkipTLSVerify"], undefined);
    assert.deepEqual(spec["service"], { name: "metrics-server", namespace: "kube-system" });
    const secret = single.one("Secret", `${name}-certificate`).inputs["stringData"] as object;
    assert.deepEqual(Object.keys(secret).sort(), ["tls.crt", "tls.key"]);
    assert.ok(flags().includes("--tls-cert-file=/etc/metrics-server/tls.crt"));
    assert.ok(flags().includes("--tls-private-key-file=/etc/metrics-server/tls.key"));
  });

  it("reads its key as a user that is not root", () => {
    const { securityContext, volumes, containers } = deploymentOf(single).template.spec;
    assert.deepEqual(securityContext, {
      seccompProfile: { type: "RuntimeDefault" },
      ...{ runAsNonRoot: true, runAsUser: 65534, runAsGroup: 65534, fsGroup: 65534 },
    });
    assert.deepEqual(volumes, [
      { name: "certificate", secret: { secretName: "metrics-server-certificate", defaultMode: 0o440 } },
    ]);
    assert.deepEqual(containers[0].volumeMounts, [
      { name: "certificate", mountPath: "/etc/metrics-server", readOnly: true },
    ]);
  });

  it("registers its API once it serves", () => {
    const { dependsOn } = single.one("APIService", name);
    for (const key of [`Deployment/${name}`, `Service/${name}`])
      assert.ok(
        dependsOn.some((each) => each.endsWith(key)),
        key,
      );
  });

  it("is ready with figures where there is another pod, and at once where it is alone", () => {
    const probe = (run: Run): unknown => deploymentOf(run).template.spec.containers[0].readinessProbe.httpGet;
    const asked = { port: "https", scheme: "HTTPS" };
    assert.deepEqual(probe(single), { path: "/readyz?exclude=metric-storage-ready", ...asked });
    assert.deepEqual(probe(available), { path: "/readyz", ...asked });
  });

  it("has two pods on two nodes in a highly available cluster, of which one may be away", () => {
    assert.deepEqual([deploymentOf(single).replicas, deploymentOf(available).replicas], [1, 2]);
    assert.deepEqual(
      own(available).filter((key) => !own(single).includes(key)),
      [`PodDisruptionBudget/${name}`],
    );
    assert.match(JSON.stringify(deploymentOf(available).template.spec.affinity), /kubernetes\.io\/hostname/);
  });

  it("is not there at all when it is switched off", async () => {
    const off = await runProgram(
      testSpec({ addons: { ...addons, metrics_server: { ...addons.metrics_server, enabled: false } } }),
    );
    assert.deepEqual(own(off), []);
    assert.ok(own(single).length > 10);
  });

  it("is not waited for where pods wait for a network that users bring", async () => {
    const none = await runProgram(testSpec({ networkProvider: "none" }));
    for (const [type, of] of [
      ["Deployment", name],
      ["Service", name],
      ["APIService", name],
      ["Service", "dev-kube-dns"],
    ] as const) {
      const annotations = (run: Run): Record<string, string> =>
        (run.one(type, of).inputs["metadata"] as { annotations?: Record<string, string> }).annotations ?? {};
      assert.equal(annotations(none)["pulumi.com/skipAwait"], "true", `${type} ${of}`);
      assert.equal(annotations(single)["pulumi.com/skipAwait"], undefined, `${type} ${of}`);
    }
  });
});
