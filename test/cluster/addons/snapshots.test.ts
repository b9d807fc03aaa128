/**
 * The snapshot controller with the rights that it has in a cluster, against a real API server: no region has a driver whose volumes it
 * could make snapshots of, so what it does for one is seen in the API alone.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../../lab/process/until.js";
import { plainProgress } from "../../../lab/progress.js";
import { ensureTools, toolPath } from "../../../lab/toolchain/index.js";
import { Leftovers } from "../../../provider/resources/leftovers.js";
import { cloudSpec, setToken } from "../../component/support/cloudSpecs.js";
import { runProgram } from "../../component/support/registrations.js";
import { ask, define, type KubernetesObject, objectsOf } from "../../manifests/support.js";
import { TestApi } from "../../provider/support/api.js";
import { checked, operation } from "../../provider/support/operation.js";
import { config } from "../region.js";

const group = "snapshot.storage.k8s.io";
const account = "snapshot-controller";
const snapshots = `/apis/${group}/v1/namespaces/default/volumesnapshots`;
const contents = `/apis/${group}/v1/volumesnapshotcontents`;

interface Made {
  readonly metadata: { readonly name: string; readonly finalizers?: readonly string[] };
  readonly spec: Readonly<Record<string, unknown>>;
}

describe("the snapshot controller", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "corekube-snapshots-"));
  let api: TestApi;
  let controller: ChildProcess | undefined;

  const created = async (path: string, object: object): Promise<void> => {
    const { status, body } = await ask(api, "POST", path, object);
    assert.ok(status < 300 || status === 409, `${path}: ${status} ${body.message ?? ""}`);
  };
  const listed = async (path: string): Promise<readonly Made[]> =>
    (await ask(api, "GET", path)).body["items"] as readonly Made[];

  before(async function () {
    this.timeout(1_800_000);
    setToken();
    await ensureTools(config, ["snapshot-controller"], plainProgress());
    const objects = objectsOf(await runProgram(cloudSpec("aws")));
    api = await TestApi.start();
    await define(api, objects);
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    const homes: Readonly<Record<string, string>> = {
      ClusterRole: `${rbac}/clusterroles`,
      ClusterRoleBinding: `${rbac}/clusterrolebindings`,
      Role: `${rbac}/namespaces/kube-system/roles`,
      RoleBinding: `${rbac}/namespaces/kube-system/rolebindings`,
      ServiceAccount: "/api/v1/namespaces/kube-system/serviceaccounts",
      VolumeSnapshotClass: `/apis/${group}/v1/volumesnapshotclasses`,
    };
    for (const object of objects as readonly KubernetesObject[]) {
      const home = homes[object.kind];
      if (home !== undefined && /^((corekube:)?snapshot-controller|snapshots)$/.test(object.metadata.name))
        await created(home, object);
    }
    const answer = await ask(api, "POST", `${homes["ServiceAccount"]}/${account}/token`, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {},
    });
    const { token } = answer.body["status"] as { readonly token: string };
    const kubeconfig = JSON.parse(api.kubeconfig) as { users: { user: { token: string } }[] };
    kubeconfig.users[0]!.user.token = token;
    writeFileSync(join(folder, "kubeconfig"), JSON.stringify(kubeconfig), { mode: 0o600 });
    const log = openSync(join(folder, "log"), "w");
    const args = [
      `--kubeconfig=${folder}/kubeconfig`,
      "--leader-election=true",
      "--leader-election-namespace=kube-system",
    ];
    controller = spawn(toolPath(config, "snapshot-controller"), args, { stdio: ["ignore", log, log] });
    closeSync(log);
  });
  after(() => {
    controller?.kill("SIGKILL");
    api.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("takes up a snapshot of a claim, with the class that is the default", async () => {
    await created("/api/v1/persistentvolumes", {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "volume" },
      spec: {
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Gi" },
        storageClassName: "ssd",
        claimRef: { namespace: "default", name: "data" },
        csi: { driver: "ebs.csi.aws.com", volumeHandle: "vol-1" },
      },
    });
    const claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    await created(claims, {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data" },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
        storageClassName: "ssd",
        volumeName: "volume",
      },
    });
    // There is no controller manager here.
    const bound = await ask(api, "GET", `${claims}/data`);
    const { status } = await ask(api, "PUT", `${claims}/data/status`, { ...bound.body, status: { phase: "Bound" } });
    assert.equal(status, 200);
    await created(snapshots, {
      apiVersion: `${group}/v1`,
      kind: "VolumeSnapshot",
      metadata: { name: "first" },
      spec: { source: { persistentVolumeClaimName: "data" } },
    });
    const made = await until("its content", { timeout: 60_000 }, async () => {
      const [content] = await listed(contents);
      return content ?? false;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${readFileSync(join(folder, "log"), "utf8").slice(-3000)}`);
    });
    assert.deepEqual(
      { driver: made.spec["driver"], policy: made.spec["deletionPolicy"], source: made.spec["source"] },
      { driver: "ebs.csi.aws.com", policy: "Delete", source: { volumeHandle: "vol-1" } },
    );
    assert.equal(made.spec["volumeSnapshotClassName"], "snapshots");
  });

  it("is refused nothing that it asks for", () => {
    assert.doesNotMatch(readFileSync(join(folder, "log"), "utf8"), /forbidden/i);
  });

  it("holds what it made until it lets go: what is left without it goes by the add-on's own end", async () => {
    controller!.kill("SIGKILL");
    const [snapshot] = await listed(snapshots);
    assert.ok((snapshot!.metadata.finalizers ?? []).length > 0);
    await ask(api, "DELETE", `${snapshots}/first`);
    assert.equal((await listed(snapshots)).length, 1);
    for (const resource of ["volumesnapshots", "volumesnapshotcontents"]) {
      const kind = new Leftovers();
      const inputs = checked(kind, { kubeconfig: api.kubeconfig, group, version: "v1", resource });
      const { outputs } = await kind.create(operation(), inputs);
      await kind.delete(operation(), { inputs, outputs });
    }
    assert.deepEqual([await listed(snapshots), await listed(contents)], [[], []]);
  });
});
