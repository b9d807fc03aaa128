/** Where secrets are, and where they are not. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { parse as parseYaml } from "yaml";
import { isSecretFile } from "../../components/contract/secretFiles.js";
import { dropletAddresses } from "./support/mocks.js";
import { Delivery, type DeliveryArgs } from "../../components/machine/delivery.js";
import { Provider } from "../../components/machine/provider.js";
import {
  keyOf,
  type Registration,
  registrationsOf,
  type Run,
  runProgram,
  runTimeout,
  valueOf,
} from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

describe("secrets", function () {
  this.timeout(runTimeout);
  let run: Run;
  before(async () => {
    run = await runProgram(testSpec({ highAvailability: true }));
  });

  it("are marked wherever a resource takes one", () => {
    for (const { type, name, readable } of run.registrations) {
      const text = JSON.stringify(readable);
      assert.ok(!text.includes("PRIVATE KEY"), `${type} ${name} shows a private key`);
      assert.ok(!/client-key-data|current-context: admin/.test(text), `${type} ${name} shows a kubeconfig`);
    }
  });

  it("are marked by the resources that take them, whoever makes these", async () => {
    const { one } = await registrationsOf(async () => {
      new Provider("plain", { sshUser: "core", sshPrivateKey: "key", kubeconfig: "kubeconfig" });
      const { files, privateKey, ...rest } = run.one("Delivery", "dev-etcd-0").inputs as unknown as DeliveryArgs;
      assert.ok(files && privateKey);
      new Delivery("plain", { ...rest, privateKey: "key", files: { "ca.key": "key" } });
      await Promise.resolve();
    });
    const marked = (of: Registration): string[] =>
      Object.entries(of.readable as object).flatMap(([name, value]) => (value === "[secret]" ? [name] : []));
    assert.deepEqual(marked(one("corekube", "plain")).sort(), ["kubeconfig", "sshPrivateKey"]);
    assert.deepEqual(marked(one("Delivery", "plain")).sort(), ["files", "privateKey"]);
  });

  it("are in no user-data", () => {
    for (const { name, inputs } of run.of("Droplet")) {
      const userData = String(inputs["userData"]);
      assert.ok(userData.length > 0, name);
      assert.ok(!/PRIVATE KEY|client-key-data|BEGIN CERTIFICATE/.test(userData), name);
    }
  });

  it("are in no object of the cluster but two: the key that reads etcd's metrics, and metrics-server's own", () => {
    const holders = run.registrations.filter(
      ({ type, inputs }) => type.startsWith("kubernetes:") && JSON.stringify(inputs).includes("PRIVATE KEY"),
    );
    assert.deepEqual(holders.map(keyOf).sort(), [
      "kubernetes:core/v1:Secret/dev-etcd-metrics",
      "kubernetes:core/v1:Secret/dev-metrics-server-certificate",
    ]);
    const keys = [...JSON.stringify(holders).matchAll(/BEGIN EC PRIVATE KEY-----\\n(.*?)\\n/g)];
    assert.deepEqual(keys.map(([, key = ""]) => Buffer.from(key, "base64").toString()).sort(), [
      "dev-etcd-metrics",
      "dev-metrics-server",
    ]);
  });

  it("are marked in the stack's outputs", async () => {
    const { outputs } = run;
    assert.equal(await pulumi.isSecret(outputs.kubeconfig), true);
    assert.equal(await pulumi.isSecret(outputs.ssh_private_key), true);
    assert.equal(await pulumi.isSecret(outputs.machines), false);
    assert.equal(await pulumi.isSecret(outputs.endpoint), false);
    assert.equal(await pulumi.isSecret(outputs.ssh_user), false);
  });

  const etcdFiles = ["etcd-ca.crt", "etcd.env", "peer.crt", "peer.key", "server.crt", "server.key"];
  const controllerFiles = [
    "admission.yaml",
    "apiserver-kubelet-client.crt",
    "apiserver-kubelet-client.key",
    "apiserver.crt",
    "apiserver.key",
    "approve",
    "audit.yaml",
    "authentication.yaml",
    "ca.crt",
    "ca.key",
    "cluster.env",
    "controller-manager.crt",
    "controller-manager.key",
    "controller-manager.kubeconfig",
    "csr-approver.kubeconfig",
    "encryption.yaml",
    "etcd-ca.crt",
    "etcd-client.crt",
    "etcd-client.key",
    "front-proxy-ca.crt",
    "front-proxy-client.crt",
    "front-proxy-client.key",
    "kubelet.kubeconfig",
    "scheduler.crt",
    "scheduler.key",
    "scheduler.kubeconfig",
    "service-account.key",
    "service-account.pub",
  ];

  it("of a machine are those of its role, and its own", () => {
    for (const { name, inputs } of run.of("Delivery")) {
      const files = inputs["files"] as Record<string, string>;
      assert.deepEqual(Object.keys(files).sort(), name.includes("-etcd-") ? etcdFiles : controllerFiles);
      const keys = Object.values(files).flatMap((text) =>
        [...text.matchAll(/-----BEGIN EC PRIVATE KEY-----\n(.*)\n/g)].map((match) => match[1] ?? ""),
      );
      const owners = keys.map((key) => Buffer.from(key, "base64").toString());
      const shared = ["dev-kubernetes-ca", "dev-service-account"];
      assert.deepEqual(
        owners.filter((owner) => !owner.startsWith(`${name}-`) && !shared.includes(owner)),
        [],
        name,
      );
    }
  });

  it("are known by the names of their files, so that no message shows them", () => {
    const shown = new Map(
      run
        .of("Delivery")
        .flatMap(({ inputs }) => Object.entries(inputs["files"] as Record<string, string>))
        .map(([name, content]) => [name, /PRIVATE KEY|client-key-data|secretbox/.test(content)]),
    );
    assert.deepEqual(
      [...shown].filter(([name, secret]) => isSecretFile(name) !== secret),
      [],
    );
    // It holds a token, and is made by the provider.
    assert.equal(isSecretFile("bootstrap.kubeconfig"), true);
  });

  it("that encrypt Secrets at rest are the current key, the next and the one before, the same everywhere", async () => {
    const keysOf = (of: Run, name: string): { name: string; secret: string }[] => {
      const file = parseYaml(
        (of.one("Delivery", name).inputs["files"] as Record<string, string>)["encryption.yaml"] ?? "",
      ) as {
        resources: { resources: string[]; providers: { secretbox: { keys: { name: string; secret: string }[] } }[] }[];
      };
      assert.deepEqual(
        file.resources.map(({ resources, providers }) => [
          resources,
          providers.map((provider) => Object.keys(provider)),
        ]),
        [[["secrets"], [["secretbox"]]]],
      );
      return file.resources[0]!.providers[0]!.secretbox.keys;
    };
    const first = keysOf(run, "dev-controller-0");
    assert.deepEqual(
      first.map(({ name }) => name),
      ["key1", "key2"],
    );
    assert.deepEqual(keysOf(run, "dev-controller-2"), first);
    const rotated = keysOf(
      await runProgram(testSpec({ highAvailability: true, encryptionKey: 2 })),
      "dev-controller-0",
    );
    assert.deepEqual(
      rotated.map(({ name }) => name),
      ["key2", "key3", "key1"],
    );
    const all = new Map([...first, ...rotated].map(({ name, secret }) => [name, secret]));
    for (const { name, secret } of [...first, ...rotated]) {
      assert.equal(Buffer.from(secret, "base64").length, 32);
      assert.equal(all.get(name), secret, `${name} must not change with the number`);
    }
    assert.equal(new Set(all.values()).size, 3);
  });

  it("of an etcd authority never leave the program", () => {
    for (const { name, inputs } of run.of("Delivery")) {
      const text = JSON.stringify(inputs["files"]);
      for (const authority of ["dev-etcd-ca", "dev-front-proxy-ca"]) {
        const key = `-----BEGIN EC PRIVATE KEY-----\\n${Buffer.from(authority).toString("base64")}`;
        assert.ok(!text.includes(key), `${name} gets the key of ${authority}`);
      }
    }
  });

  it("tell members of each other and controllers of all members", () => {
    const ips = ["dev-etcd-0", "dev-etcd-1", "dev-etcd-2"].map((name) => ({
      name,
      ip: dropletAddresses(name).private,
    }));
    const files = (name: string): Record<string, string> =>
      run.one("Delivery", name).inputs["files"] as Record<string, string>;
    const addresses = Object.fromEntries(ips.map(({ name, ip }) => [name, ip]));
    assert.deepEqual(run.one("Delivery", "dev-etcd-1").inputs["members"], addresses);
    assert.deepEqual(run.one("Delivery", "dev-controller-2").inputs["hosts"], addresses);
    const [servers, api] = files("dev-controller-2")["cluster.env"]!.split("\n");
    assert.equal(servers, `ETCD_SERVERS=${ips.map(({ name }) => `https://${name}:2379`).join(",")}`);
    // Both load balancers': no kubelet gets a certificate for them.
    assert.match(api ?? "", /^API_ADDRESSES=198\.51\.\d+\.\d+,198\.51\.\d+\.\d+$/);
  });

  it("of workers are none: they make their keys themselves", () => {
    for (const { inputs } of run.of("Join")) {
      assert.deepEqual(Object.keys(inputs).sort(), [
        "caCertificate",
        "configuration",
        "drainTimeout",
        "host",
        "labels",
        "machine",
        "machineId",
        "nodeName",
        "podNetwork",
        "port",
        "server",
        "taints",
        "timeout",
      ]);
    }
    assert.deepEqual(
      run.of("CertRequest").filter(({ name }) => name.includes("-worker-")),
      [],
    );
  });

  it("that all workers share stand once, in the provider's configuration, as secrets", () => {
    const { readable, inputs } = run.one("corekube", "dev");
    assert.deepEqual(readable, { sshUser: "core", sshPrivateKey: "[secret]", kubeconfig: "[secret]" });
    assert.match(String(inputs["kubeconfig"]), /client-key-data/);
    assert.match(String(inputs["sshPrivateKey"]), /OPENSSH PRIVATE KEY/);
  });

  it("stay out of the table of machines", async () => {
    const machines = await valueOf(run.outputs.machines);
    assert.deepEqual(
      machines.map(({ name }) => name),
      [
        "dev-etcd-0",
        "dev-etcd-1",
        "dev-etcd-2",
        "dev-controller-0",
        "dev-controller-1",
        "dev-controller-2",
        "dev-worker-0",
        "dev-worker-1",
      ],
    );
    const { public: publicIpv4, private: privateIpv4 } = dropletAddresses("dev-worker-1");
    const { id, ...rest } = machines[7]!;
    assert.match(id, /^\d+$/);
    assert.deepEqual(rest, {
      name: "dev-worker-1",
      role: "worker",
      public_ipv4: publicIpv4,
      private_ipv4: privateIpv4,
      host_key: "ssh-ed25519 host-dev-worker-1",
      up_to_date: false,
    });
  });
});
