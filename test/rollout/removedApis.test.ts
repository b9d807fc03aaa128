/** A run that would end what clients use, on the real engine: refused before anything is recorded, by a preview too. */
import assert from "node:assert/strict";
import path from "node:path";
import { OrderStack, PROJECT } from "./support.js";

const from = (file: string): string => JSON.stringify(path.join(PROJECT, file));

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { recordedState } from ${from("components/cloud/recordedState.js")};
import { recordedReleases, StartedReleases } from ${from("components/releases/clusterReleases.js")};
import { requireUnusedRemovals } from ${from("infra/removals.js")};
const config = new pulumi.Config();
class Delivery extends pulumi.CustomResource {
  constructor(name: string, opts: pulumi.CustomResourceOptions) {
    super("corekube:machine:Delivery", name, { host: "192.0.2.7", hostKey: "ssh-ed25519 AAAA", bastion: "192.0.2.9", files: {} }, opts);
  }
}
export = async () => {
  const state = await recordedState();
  const emulated = config.get("emulated");
  const kubernetesVersion = config.require("version");
  const releases = { kubernetesVersion, nodeVersion: config.get("nodes") ?? kubernetesVersion, ...(emulated ? { emulatedVersion: emulated } : {}) };
  const pool = (role: string, count: number) => ({ role, pool: role, count, size: "", disk: 0, zones: [] });
  const spec = { ...releases, name: "dev", acceptRemovedApis: config.get("accept") ?? "", etcd: pool("etcd", 1), controllers: pool("controller", 1), workers: pool("worker", 1), publicWorkers: pool("public", 0) };
  await requireUnusedRemovals(spec as never, recordedReleases(state), state);
  const started = new StartedReleases(releases);
  await started.recorded();
  new Delivery("dev-controller-0", { dependsOn: [started] });
  return { kubeconfig: pulumi.secret("the kubeconfig"), ssh_private_key: pulumi.secret("the key"), ssh_user: "core" };
};
`;

describe("versions of the API in use, on the engine", function () {
  this.timeout(900_000);
  const stack = new OrderStack();
  const used = { requested: [{ api: "a.io/v1beta1 things", removedIn: "1.37", clients: [] }], unanswered: {} };
  before(async () => {
    await stack.create(PROGRAM);
    await stack.set("version", "1.36.3");
    assert.equal((await stack.run("up")).code, 0);
  });
  after(() => stack.remove());

  const started = async (): Promise<unknown> => (await stack.recorded(":Releases::started"))?.["kubernetesVersion"];

  it("are asked for when another minor version begins, of the controllers and with the credentials in the state", async () => {
    assert.deepEqual(stack.invokes("removedApis"), []);
    await stack.set("version", "1.37.2");
    const { code, output } = await stack.run("preview", { removedApis: { requested: [], unanswered: {} } });
    assert.equal(code, 0, output);
    assert.deepEqual(stack.invokes("removedApis"), [
      {
        controllers: [{ machine: "dev-controller-0", host: "192.0.2.7", hostKey: "ssh-ed25519 AAAA" }],
        minor: 37,
        bastion: "192.0.2.9",
        user: "core",
        privateKey: "the key",
        kubeconfig: "the kubeconfig",
      },
    ]);
    assert.doesNotMatch(output, /the key|the kubeconfig/);
  });

  it("refuse the run, and nothing is recorded of it", async () => {
    for (const command of ["preview", "up"] as const) {
      const { code, output, calls } = await stack.run(command, { removedApis: used });
      assert.notEqual(code, 0, output);
      assert.match(output, /corekube:kubernetes_version: got "1\.37\.2".*a\.io\/v1beta1 things/s);
      assert.match(output, /pulumi config set accept_removed_apis 1\.37 && pulumi up/);
      assert.deepEqual(calls, []);
    }
    assert.equal(await started(), "1.36.3");
  });

  it("do not stop one that only emulates, and stop its end", async () => {
    await stack.set("emulated", "1.36");
    await stack.set("nodes", "1.36.3");
    const { code, output } = await stack.run("up", { removedApis: used });
    assert.equal(code, 0, output);
    assert.match(output, /Clients use what Kubernetes 1\.37 does not serve: a\.io\/v1beta1 things/);
    await stack.set("emulated", "");
    await stack.set("nodes", "1.37.2");
    assert.notEqual((await stack.run("up", { removedApis: used })).code, 0);
  });

  it("are named and no more once they are accepted; and a run that goes on is not asked again", async () => {
    await stack.set("accept", "1.37");
    const { code, output } = await stack.run("up", { removedApis: used });
    assert.equal(code, 0, output);
    assert.match(output, /requests of clients fail for: a\.io\/v1beta1 things/);
    assert.equal(await started(), "1.37.2");
    await stack.set("accept", "");
    const again = await stack.run("up", { removedApis: used });
    assert.equal(again.code, 0, again.output);
    assert.doesNotMatch(again.output, /a\.io/);
  });
});
