/** Names, groups and uses of every certificate. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { kubeconfig, serviceAccountKubeconfig } from "../../components/pki/kubeconfig.js";
import { dropletAddresses, loadBalancerAddress } from "./support/mocks.js";
import { type Run, runProgram, runTimeout, valueOf } from "./support/registrations.js";
import { awsTestSpec, testSpec } from "./support/spec.js";

interface Subject {
  readonly commonName: string;
  readonly organization?: string;
}

describe("certificates", function () {
  this.timeout(runTimeout);
  let single: Run;
  let available: Run;
  before(async () => {
    single = await runProgram(testSpec());
    available = await runProgram(testSpec({ highAvailability: true }));
  });

  const subject = (run: Run, name: string): Subject => run.one("CertRequest", name).inputs["subject"] as Subject;
  const uses = (run: Run, name: string): unknown => run.one("LocallySignedCert", name).inputs["allowedUses"];
  /** Common name of the authority that signs. */
  const signer = (run: Run, name: string): unknown => {
    const certificate = String(run.one("LocallySignedCert", name).inputs["caCertPem"]).split("\n")[1] ?? "";
    return Buffer.from(certificate, "base64").toString();
  };

  it("of the API server carry exactly the names under which it is called", () => {
    const { inputs } = single.one("CertRequest", "dev-controller-0-apiserver");
    const own = dropletAddresses("dev-controller-0");
    assert.deepEqual(inputs["dnsNames"], [
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      "kubernetes.default.svc.cluster.local",
    ]);
    assert.deepEqual(inputs["ipAddresses"], ["10.3.0.1", "127.0.0.1", own.private, own.public]);
  });

  it("of the API server carry the load balancers' addresses when there are any", () => {
    for (const name of ["dev-controller-0", "dev-controller-1", "dev-controller-2"]) {
      const own = dropletAddresses(name);
      assert.deepEqual(available.one("CertRequest", `${name}-apiserver`).inputs["ipAddresses"], [
        "10.3.0.1",
        "127.0.0.1",
        own.private,
        own.public,
        loadBalancerAddress("dev-api"),
        loadBalancerAddress("dev-api-internal"),
      ]);
    }
  });

  it("of the API server carry users' own names and addresses, which no kubelet may have", async () => {
    const own = dropletAddresses("dev-controller-0");
    const run = await runProgram(testSpec({ apiNames: ["api.example.com", "203.0.113.77", own.public] }));
    const { inputs } = run.one("CertRequest", "dev-controller-0-apiserver");
    assert.deepEqual((inputs["dnsNames"] as string[]).at(-1), "api.example.com");
    assert.deepEqual(inputs["ipAddresses"], ["10.3.0.1", "127.0.0.1", own.private, own.public, "203.0.113.77"]);
    const files = run.one("Delivery", "dev-controller-0").inputs["files"] as Record<string, string>;
    assert.match(files["cluster.env"]!, /^API_ADDRESSES=(.*,)?api\.example\.com,203\.0\.113\.77,/m);
  });

  it("of the API server carry names of load balancers as names, and no public address where a machine has none", async () => {
    const hidden = await runProgram(awsTestSpec({ highAvailability: true, aws: { machines: "private" } }));
    const { dnsNames, ipAddresses } = hidden.one("CertRequest", "dev-controller-0-apiserver").inputs as {
      dnsNames: string[];
      ipAddresses: string[];
    };
    assert.deepEqual(dnsNames.slice(-2), ["dev-api.elb.example", "dev-api-internal.elb.example"]);
    assert.deepEqual(ipAddresses, ["10.3.0.1", "127.0.0.1", dropletAddresses("dev-controller-0").private]);
    const files = hidden.one("Delivery", "dev-controller-0").inputs["files"] as Record<string, string>;
    assert.match(files["cluster.env"]!, /^API_ADDRESSES=dev-api\.elb\.example,dev-api-internal\.elb\.example$/m);
    const { server } = (
      parse(await valueOf(hidden.outputs.kubeconfig)) as { clusters: { cluster: { server: string } }[] }
    ).clusters[0]!.cluster;
    assert.equal(server, "https://dev-api.elb.example:6443");
    for (const join of hidden.of("Join"))
      assert.equal(join.inputs["server"], "https://dev-api-internal.elb.example:6443");
  });

  it("follow the cluster's domain", async () => {
    const run = await runProgram(testSpec({ clusterDomain: "k8s.example.net" }));
    const names = run.one("CertRequest", "dev-controller-0-apiserver").inputs["dnsNames"] as string[];
    assert.ok(names.includes("kubernetes.default.svc.k8s.example.net"));
    assert.ok(!names.includes("kubernetes.default.svc.cluster.local"));
  });

  it("of etcd members carry the member's own names, as server and as peer", () => {
    for (const name of ["dev-etcd-0", "dev-etcd-1", "dev-etcd-2"]) {
      for (const purpose of ["server", "peer"]) {
        const { inputs } = available.one("CertRequest", `${name}-${purpose}`);
        assert.deepEqual(inputs["dnsNames"], ["localhost", name]);
        assert.deepEqual(inputs["ipAddresses"], ["127.0.0.1", dropletAddresses(name).private]);
        assert.deepEqual(uses(available, `${name}-${purpose}`), ["digital_signature", "server_auth", "client_auth"]);
        assert.equal(signer(available, `${name}-${purpose}`), "dev-etcd-ca");
      }
    }
  });

  it("say who a client is", () => {
    const of = (purpose: string): Subject => subject(single, `dev-controller-0-${purpose}`);
    assert.deepEqual(of("kubelet-client"), { commonName: "kube-apiserver-kubelet-client" });
    assert.deepEqual(of("controller-manager"), { commonName: "system:kube-controller-manager" });
    assert.deepEqual(of("scheduler"), { commonName: "system:kube-scheduler" });
    assert.deepEqual(of("kubelet"), { commonName: "system:node:dev-controller-0", organization: "system:nodes" });
    assert.deepEqual(of("front-proxy-client"), { commonName: "front-proxy-client" });
    assert.deepEqual(of("etcd-client"), { commonName: "dev-controller-0" });
    assert.deepEqual(subject(single, "dev-admin"), { commonName: "corekube-admin", organization: "system:masters" });
  });

  it("come from the authority of their purpose, clients as clients only", () => {
    const expected: Record<string, string> = {
      "dev-admin": "dev-kubernetes-ca",
      "dev-controller-0-kubelet-client": "dev-kubernetes-ca",
      "dev-etcd-metrics": "dev-etcd-ca",
      "dev-controller-0-kubelet": "dev-kubernetes-ca",
      "dev-controller-0-front-proxy-client": "dev-front-proxy-ca",
      "dev-controller-0-etcd-client": "dev-etcd-ca",
    };
    for (const [name, authority] of Object.entries(expected)) {
      assert.equal(signer(single, name), authority, name);
      assert.deepEqual(uses(single, name), ["digital_signature", "client_auth"], name);
    }
    // They serve their metrics with the certificate that they show to the API server.
    for (const purpose of ["controller-manager", "scheduler"]) {
      const name = `dev-controller-0-${purpose}`;
      assert.equal(signer(single, name), "dev-kubernetes-ca", name);
      assert.deepEqual(uses(single, name), ["digital_signature", "client_auth", "server_auth"], name);
      const { inputs } = single.one("CertRequest", name);
      assert.deepEqual(inputs["ipAddresses"], [dropletAddresses("dev-controller-0").private]);
      assert.equal(inputs["dnsNames"], undefined);
    }
    assert.equal(signer(single, "dev-controller-0-apiserver"), "dev-kubernetes-ca");
    assert.deepEqual(uses(single, "dev-controller-0-apiserver"), ["digital_signature", "server_auth"]);
  });

  it("are on P-256, live a year, and are renewed thirty days before", () => {
    for (const { name, inputs } of single.of("LocallySignedCert")) {
      assert.equal(inputs["validityPeriodHours"], 8760, name);
      assert.equal(inputs["earlyRenewalHours"], 121 * 24, name);
      assert.ok(!inputs["isCaCertificate"], name);
    }
    for (const { name, inputs } of single.of("PrivateKey").filter((key) => key.name !== "dev-ssh")) {
      assert.deepEqual([inputs["algorithm"], inputs["ecdsaCurve"]], ["ECDSA", "P256"], name);
    }
  });
});

describe("authorities", function () {
  this.timeout(runTimeout);
  it("are three, valid for 10,000 days, and sign", async () => {
    const run = await runProgram(testSpec());
    const names = run.of("SelfSignedCert").map(({ inputs }) => (inputs["subject"] as Subject).commonName);
    assert.deepEqual(names, ["etcd-ca", "front-proxy-ca", "kube-ca"]);
    for (const { inputs } of run.of("SelfSignedCert")) {
      assert.equal(inputs["validityPeriodHours"], 240_000);
      assert.equal(inputs["isCaCertificate"], true);
      assert.deepEqual(inputs["allowedUses"], ["digital_signature", "cert_signing", "crl_signing"]);
    }
  });

  for (const deletionProtection of [true, false]) {
    it(`and volumes are ${deletionProtection ? "" : "not "}protected when deletion protection is ${deletionProtection ? "on" : "off"}`, async () => {
      const run = await runProgram(testSpec({ deletionProtection }));
      const isProtected = run.registrations
        .filter(({ protect }) => protect)
        .map(({ type, name }) => `${type.split(":").pop()}/${name}`);
      const expected = [
        // Of the encryption keys the one that writes. Rotations delete those beside it.
        "PrivateKey/dev-encryption-1",
        "PrivateKey/dev-etcd-ca",
        "PrivateKey/dev-front-proxy-ca",
        "PrivateKey/dev-kubernetes-ca",
        "PrivateKey/dev-service-account",
        "SelfSignedCert/dev-etcd-ca",
        "SelfSignedCert/dev-front-proxy-ca",
        "SelfSignedCert/dev-kubernetes-ca",
        "Volume/dev-etcd-0-data",
        "Volume/dev-etcd-0-wal",
      ];
      assert.deepEqual(isProtected.sort(), deletionProtection ? expected : []);
    });
  }
});

interface Kubeconfig {
  readonly clusters: { cluster: Record<string, string> }[];
  readonly users: { user: Record<string, string> }[];
  readonly contexts: { name: string; context: Record<string, string> }[];
  readonly "current-context": string;
}

describe("kubeconfig", function () {
  this.timeout(runTimeout);
  const decoded = (text: string | undefined): string => Buffer.from(text ?? "", "base64").toString();

  it("holds server, authority and user, and selects its context", () => {
    const text = kubeconfig({
      cluster: "dev",
      server: "https://198.51.0.7:6443",
      certificateAuthority: "AUTHORITY",
      user: "admin",
      clientCertificate: "CERTIFICATE",
      clientKey: "KEY",
    });
    const parsed = parse(text) as Kubeconfig;
    assert.equal(parsed.clusters[0]?.cluster["server"], "https://198.51.0.7:6443");
    assert.equal(decoded(parsed.clusters[0]?.cluster["certificate-authority-data"]), "AUTHORITY");
    assert.equal(decoded(parsed.users[0]?.user["client-certificate-data"]), "CERTIFICATE");
    assert.equal(decoded(parsed.users[0]?.user["client-key-data"]), "KEY");
    assert.equal(parsed["current-context"], "admin@dev");
    assert.deepEqual(parsed.contexts, [{ name: "admin@dev", context: { cluster: "dev", user: "admin" } }]);
  });

  it("of a pod names files, not secrets", () => {
    const parsed = parse(serviceAccountKubeconfig("https://10.4.0.2:6443")) as Kubeconfig;
    assert.equal(
      parsed.clusters[0]?.cluster["certificate-authority"],
      "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
    );
    assert.equal(parsed.users[0]?.user["tokenFile"], "/var/run/secrets/kubernetes.io/serviceaccount/token");
  });

  it("of the administrator leads to the external address, those on a controller to the controller itself", async () => {
    const run = await runProgram(testSpec({ highAvailability: true }));
    const server = (text: string): string | undefined => (parse(text) as Kubeconfig).clusters[0]?.cluster["server"];
    assert.equal(server(await valueOf(run.outputs.kubeconfig)), `https://${loadBalancerAddress("dev-api")}:6443`);
    assert.equal(await valueOf(run.outputs.endpoint), `https://${loadBalancerAddress("dev-api")}:6443`);
    const files = run.one("Delivery", "dev-controller-1").inputs["files"] as Record<string, string>;
    for (const user of ["controller-manager", "scheduler", "kubelet"]) {
      assert.equal(server(files[`${user}.kubeconfig`]!), "https://127.0.0.1:6443");
    }
    assert.equal(
      run.one("Join", "dev-worker-0").inputs["server"],
      `https://${loadBalancerAddress("dev-api-internal")}:6443`,
    );
  });
});
