import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { AuthenticationV1Api, KubeConfig } from "@kubernetes/client-node";
import { Join } from "../../provider/resources/join.js";
import type { Settings } from "../../provider/operation/settings.js";
import { eventually, incomplete, operation } from "./support/operation.js";
import { joiningMachine } from "./support/joining.js";

const SYSTEM_ID = "0123456789abcdef0123456789abcdef";
const CA = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";

describe("Join, on a real API and over real SSH", function () {
  this.timeout(90_000);
  const join = new Join();
  const joining = joiningMachine(join, { caCertificate: CA, timeout: 30 });
  const { inputs } = joining;
  beforeEach(() => joining.machine.write("verified", "0123456789abcdef\n"));

  const own = (given: Settings = {}) =>
    operation({
      sshUser: "root",
      sshPrivateKey: joining.machine.privateKey,
      kubeconfig: joining.api.kubeconfig,
      ...given,
    });
  const bootstrapFile = (): string => joining.machine.path("etc/corekube/secrets/bootstrap.kubeconfig");
  const files = (): string[] => readdirSync(joining.machine.path("etc/corekube/secrets")).sort();
  const tokens = async () =>
    (
      await joining.api.cluster.core.listNamespacedSecret({
        namespace: "kube-system",
        fieldSelector: "type=bootstrap.kubernetes.io/token",
      })
    ).items;

  /** The token that is on the joining.machine. */
  async function deliveredToken(): Promise<string> {
    await eventually(() => existsSync(bootstrapFile()));
    const config = new KubeConfig();
    config.loadFromString(readFileSync(bootstrapFile(), "utf8"));
    assert.equal(config.getCurrentCluster()?.server, "https://10.0.0.1:6443");
    return config.getCurrentUser()?.token ?? "";
  }

  /** Who the API says that a token is. */
  async function whoIs(token: string): Promise<string[]> {
    const config = new KubeConfig();
    config.loadFromString(joining.api.kubeconfig.replace(/"token":"\w+"/, `"token":"${token}"`));
    const review = await config.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} });
    return review.status?.userInfo?.groups ?? [];
  }

  it("creates a token for this join alone, waits for the Node, and deletes the token everywhere", async () => {
    const run = own();
    const creation = join.create(run, inputs());
    const token = await deliveredToken();
    assert.deepEqual((await whoIs(token)).filter((group) => group.startsWith("system:bootstrappers")).sort(), [
      "system:bootstrappers",
      "system:bootstrappers:corekube:worker",
    ]);
    const [secret] = await tokens();
    const data = Object.fromEntries(
      Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
    );
    const minutes = (Date.parse(data["expiration"] ?? "") - Date.now()) / 60_000;
    assert.ok(minutes > 14 && minutes <= 15, `${minutes} minutes`);
    assert.match(data["description"] ?? "", /worker-0/);
    assert.equal(data["usage-bootstrap-signing"], undefined);
    await eventually(() => run.statuses.some((text) => text.includes("waiting for the Node to register")));
    await joining.api.node("worker-0");
    const { id, outputs } = await creation;
    assert.equal(id, "9");
    assert.deepEqual(outputs, {
      nodeName: "worker-0",
      systemId: SYSTEM_ID,
      hostKey: joining.machine.hostKey,
      host: "127.0.0.1",
      configuration: "0123456789abcdef",
    });
    assert.deepEqual(await tokens(), []);
    assert.deepEqual(files(), ["ca.crt", "cluster.env", "complete"]);
    assert.equal(joining.machine.read("etc/corekube/secrets/cluster.env"), "API_SERVER=https://10.0.0.1:6443\n");
    assert.ok(![...run.statuses, ...run.warnings].some((text) => text.includes(token)));
  });

  it("creates the token only when the machine is installed, because it is valid for minutes", async () => {
    joining.machine.unit("corekube-install.service", { ActiveState: "activating" });
    const run = own();
    const creation = join.create(run, inputs());
    await eventually(() => run.statuses.some((text) => text.includes("waiting for corekube-install.service")));
    assert.deepEqual(await tokens(), []);
    joining.machine.unit("corekube-install.service", { ActiveState: "active" });
    await deliveredToken();
    await joining.api.node("worker-0");
    await creation;
  });

  it("reports why the Node is not Ready, and deletes the token anyway", async () => {
    await joining.api.node("worker-0", { ready: false });
    const failure = await incomplete(join.create(own(), inputs({ timeout: 6 })));
    assert.match(
      failure.message,
      /worker-0 \(127\.0\.0\.1:\d+\): not ready within 6 s, still waiting for the Node to be Ready \(network plugin not ready\)/,
    );
    assert.deepEqual(failure.outputs, { hostKey: joining.machine.hostKey });
    assert.deepEqual(await tokens(), []);
  });

  it("waits until the cloud controller manager has been at the Node, Ready or not", async () => {
    const run = own();
    const creation = join.create(run, inputs());
    await deliveredToken();
    await joining.api.node("worker-0");
    const taints = (list: unknown[]) =>
      joining.api.cluster.core.patchNode({
        name: "worker-0",
        body: [{ op: "add", path: "/spec/taints", value: list }],
      });
    await taints([{ key: "node.cloudprovider.kubernetes.io/uninitialized", value: "true", effect: "NoSchedule" }]);
    await eventually(() => run.statuses.some((text) => text.includes("waiting for the cloud controller manager")));
    assert.equal((await tokens()).length, 1);
    await taints([{ key: "somebody.example/else", effect: "NoSchedule" }]);
    assert.equal((await creation).outputs["nodeName"], "worker-0");
  });

  it("fails early with the machine's report when the kubelet has failed, without the token in it", async () => {
    joining.machine.health("exit 1");
    joining.machine.unit("kubelet.service", { ActiveState: "failed", Result: "exit-code" });
    joining.machine.script(
      "opt/corekube/bin/report",
      "#!/bin/bash\necho 'kubelet.service:'; cat $FAKE_ROOT/etc/corekube/secrets/bootstrap.kubeconfig\n",
    );
    const failure = await incomplete(join.create(own(), inputs()));
    assert.match(failure.message, /kubelet\.service failed/);
    assert.doesNotMatch(failure.message, /[a-z0-9]{6}\.[a-z0-9]{16}\b/);
    assert.deepEqual(await tokens(), []);
  });

  it("takes the token back when interrupted", async () => {
    const run = own();
    const creation = incomplete(join.create(run, inputs()));
    await deliveredToken();
    const start = Date.now();
    run.interrupt();
    assert.match((await creation).message, /interrupted/);
    assert.ok(Date.now() - start < 2_000);
    assert.deepEqual(await tokens(), []);
  });

  it("removes what a killed run left: its token, and the earlier machine's Node", async () => {
    await joining.api.cluster.core.createNamespacedSecret({
      namespace: "kube-system",
      body: {
        metadata: { name: "bootstrap-token-aaaaaa", labels: { "corekube.io/join": "worker-0" } },
        type: "bootstrap.kubernetes.io/token",
        stringData: { "token-id": "aaaaaa", "token-secret": "a".repeat(16) },
      },
    });
    await joining.api.node("worker-0", { systemId: "e".repeat(32) });
    const run = own();
    const creation = join.create(run, inputs());
    await deliveredToken();
    assert.equal((await tokens()).length, 1);
    assert.match(run.warnings.join(), /belongs to an earlier machine/);
    await joining.api.node("worker-0");
    await creation;
    assert.deepEqual(await tokens(), []);
  });

  it("does not join again what has joined: no token", async () => {
    await joining.api.node("worker-0");
    const run = own();
    await join.create(run, inputs());
    assert.ok(!run.statuses.some((text) => text.includes("token")));
  });

  it("waits for the Node's address to be the machine's", async () => {
    await joining.api.node("worker-0", { address: "10.9.9.9" });
    const failure = await incomplete(join.create(own(), inputs({ timeout: 4 })));
    assert.match(failure.message, /waiting for the Node's address 10\.0\.0\.7 \(it reports 10\.9\.9\.9\)/);
  });

  it("applies a changed API address in place, without a token", async () => {
    await joining.api.node("worker-0");
    const first = await join.create(own(), inputs());
    const after = inputs({ server: "https://10.0.0.2:6443" });
    assert.deepEqual(await join.update(own(), { inputs: inputs(), outputs: first.outputs }, after), first.outputs);
    assert.equal(joining.machine.read("etc/corekube/secrets/cluster.env"), "API_SERVER=https://10.0.0.2:6443\n");
    assert.ok(joining.machine.asked.includes("restart --no-block corekube-activate.service"));
  });

  it("does nothing on the machine when only the drain's time limit or the kubeconfig changes", async () => {
    await joining.machine.stop();
    const outputs = { hostKey: "k", nodeName: "worker-0", systemId: SYSTEM_ID };
    assert.deepEqual(
      await join.update(own({ kubeconfig: "other" }), { inputs: inputs(), outputs }, inputs({ drainTimeout: 1 })),
      outputs,
    );
  });

  it("says what the provider lacks, and how it comes by it", async () => {
    await assert.rejects(join.create(operation(), inputs()), /has no sshPrivateKey; pass the resource a provider/);
    await assert.rejects(
      join.create(own({ kubeconfig: undefined }), inputs()),
      /has no kubeconfig; pass the resource a provider/,
    );
  });
});
