/** A worker's kubelet in another version: without pods where Kubernetes asks for it, and taking pods again only with the new one. */
import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { merge, type NodeConfig } from "../../components/nodeconfig/base/types.js";
import { complete, configurationOf } from "../../components/nodeconfig/configuration.js";
import { rolloutPlan } from "../../components/rollout/provider/rolloutPlan.js";
import { Incomplete } from "../../provider/operation/resourceKind.js";
import { Join } from "../../provider/resources/join.js";
import type { Properties } from "../../provider/rpc/properties.js";
import { machineScript, writeConfiguration } from "../unit/support/configuredMachine.js";
import { joiningMachine } from "./support/joining.js";
import { eventually, operation } from "./support/operation.js";

const configuration = (sysctl: string): NodeConfig =>
  complete(
    merge({
      directories: [{ path: "/etc/corekube", mode: 0o755 }],
      files: [
        machineScript("health", "true"),
        machineScript("install", "true"),
        machineScript("report", "true"),
        { path: "/etc/sysctl.d/90-corekube.conf", mode: 0o644, contents: sysctl },
      ],
      units: [{ name: "kubelet.service", contents: "[Service]\n" }],
    }),
  );

describe("a worker's kubelet of another version", function () {
  this.timeout(180_000);
  const join = new Join();
  const joining = joiningMachine(join, { caCertificate: "BEGIN CERTIFICATE", timeout: 60, drainTimeout: 10 });
  const before = configurationOf(configuration("a = 1\n"), { kubelet: "1.35.4" });
  const of = (kubelet: string) => configurationOf(configuration(`kubelet = ${kubelet}\n`), { kubelet });

  beforeEach(() => {
    const { machine } = joining;
    machine.write("mounted", "");
    rmSync(machine.path("opt/corekube"), { recursive: true });
    writeConfiguration(machine.root, configuration("a = 1\n"), before.digest, true);
  });
  afterEach(async () => {
    rolloutPlan.begin({ machines: [] });
    await joining.api.deletePods();
  });

  const run = () =>
    operation({ sshUser: "root", sshPrivateKey: joining.machine.privateKey, kubeconfig: joining.api.kubeconfig });
  const inputs = (digest: string, given: Properties = {}): Properties =>
    joining.inputs({ configuration: digest, ...given });
  const state = () => ({
    inputs: inputs(before.digest),
    outputs: {
      hostKey: joining.machine.hostKey,
      nodeName: "worker-0",
      systemId: "0123456789abcdef0123456789abcdef",
      configuration: before.digest,
    },
  });
  const node = () => joining.api.cluster.core.readNode({ name: "worker-0" });
  const restarted = (): boolean => joining.machine.asked.includes("restart --no-block corekube-activate.service");
  const change = (kubelet: string, given: Properties = {}): Promise<Properties> => {
    const after = of(kubelet);
    rolloutPlan.begin({
      machines: [{ machine: "worker-0", pool: "worker", atOnce: 1, host: "127.0.0.1" }],
      configurations: [after],
    });
    return join.update(run(), state(), inputs(after.digest, given));
  };

  it("is drained before another minor version, and takes pods again only once its Node reports that", async () => {
    await joining.api.node("worker-0", { kubelet: "v1.35.4" });
    await joining.api.node("worker-1", { systemId: "1".repeat(32), kubelet: "v1.35.4" });
    await joining.api.pod("worker-0", "web", { owner: "ReplicaSet" });
    const changing = change("1.36.3");
    await eventually(restarted);
    assert.deepEqual(await joining.api.podNames(), [], "before the kubelet is restarted");
    assert.equal((await node()).spec?.unschedulable, true);
    await joining.api.kubelet("worker-0", "v1.36.3");
    assert.equal((await changing)["configuration"], of("1.36.3").digest);
    const { spec, metadata } = await node();
    assert.equal(spec?.unschedulable, undefined);
    assert.deepEqual(
      Object.keys(metadata?.annotations ?? {}).filter((name) => name.includes("cordoned")),
      [],
    );
  });

  it("keeps its pods, and is not cordoned, in another patch of the same minor version", async () => {
    await joining.api.node("worker-0", { kubelet: "v1.35.4" });
    await joining.api.pod("worker-0", "web", { owner: "ReplicaSet" });
    const changing = change("1.35.5");
    await eventually(restarted);
    assert.equal((await node()).spec?.unschedulable, undefined);
    await joining.api.kubelet("worker-0", "v1.35.5-custom.1");
    await changing;
    assert.deepEqual(await joining.api.podNames(), ["web"]);
  });

  it("stays cordoned if somebody else had cordoned it", async () => {
    await joining.api.node("worker-0", { kubelet: "v1.35.4", cordoned: true });
    const changing = change("1.36.3");
    await eventually(restarted);
    await joining.api.kubelet("worker-0", "v1.36.3");
    await changing;
    assert.equal((await node()).spec?.unschedulable, true);
  });

  it("is not changed while a disruption budget holds a pod, and goes on in the next run", async () => {
    await joining.api.node("worker-0", { kubelet: "v1.35.4" });
    await joining.api.node("worker-1", { systemId: "1".repeat(32), kubelet: "v1.35.4" });
    await joining.api.pod("worker-0", "held", { owner: "ReplicaSet", app: "held" });
    await joining.api.budget("held", 0);
    await assert.rejects(change("1.36.3"), (error: Error) => {
      assert.match(error.message, /held.*\n.*run `pulumi up` again/);
      // It would count as new in the next run, and not wait for its turn.
      return !(error instanceof Incomplete);
    });
    assert.ok(!restarted());
    assert.equal(existsSync(joining.machine.path("etc/corekube/change")), false);
    await joining.api.budget("held", 1);
    const changing = change("1.36.3");
    await eventually(restarted);
    await joining.api.kubelet("worker-0", "v1.36.3");
    await changing;
    assert.equal((await node()).spec?.unschedulable, undefined, "cordoned by the run before");
  });

  it("is not done while the Node reports the version before", async () => {
    await joining.api.node("worker-0", { kubelet: "v1.35.4" });
    await assert.rejects(
      change("1.35.5", { timeout: 60 }),
      /the Node's kubelet to have version 1\.35\.5 \(it reports v1\.35\.4\)/,
    );
  });
});
