/** Velero as its users see it: a namespace that is lost and comes back, backups by themselves, wrong keys, a machine that dies meanwhile. */
import assert from "node:assert/strict";
import type { CheckContext } from "../../../lab/cluster/context.js";
import { kubeconfigFile, pulumi } from "../../../lab/engine/stack.js";
import { run, tryRun } from "../../../lab/process/run.js";
import { until } from "../../../lab/process/until.js";
import { ensureTools, toolPath } from "../../../lab/toolchain/index.js";
import { crash, powerOn } from "../faults/faults.js";
import {
  ensureObjectStorage,
  objectsIn,
  type ObjectStorageKey,
  objectStorageUrl,
} from "../../../lab/region/objectStorage.js";
import { config, progress } from "../region.js";
import { nameOf, Scaling } from "../support/scale.js";
import { withCluster } from "./support.js";

const stack = "dev";
const bucket = "backups";
const shop = "shop";
const image = "docker.io/library/busybox:1.35";
const labels = { app: "till" };

const objects = [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: shop, labels: { team: "sales" } } },
  { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "prices", namespace: shop }, data: { apple: "3" } },
  { apiVersion: "v1", kind: "Secret", metadata: { name: "safe", namespace: shop }, stringData: { code: "4711" } },
  {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "ledger", namespace: shop },
    // Nobody makes its volume: what is restored is the claim.
    spec: { accessModes: ["ReadWriteOnce"], storageClassName: "none", resources: { requests: { storage: "1Gi" } } },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "till", namespace: shop },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
          containers: [
            {
              name: "till",
              image,
              command: ["sleep", "infinity"],
              envFrom: [{ configMapRef: { name: "prices" } }, { secretRef: { name: "safe" } }],
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
            },
          ],
        },
      },
    },
  },
];

describe("Velero", function () {
  this.timeout(900_000);
  const cluster = withCluster({ settings: { node_count: 2 }, addons: ["velero"] });
  const scaling = new Scaling(config, stack, progress);
  let context: CheckContext;
  let key: ObjectStorageKey;
  before(async () => {
    context = await cluster.context();
    await ensureTools(config, ["velero"], progress);
    key = await ensureObjectStorage(config, bucket, progress);
  });

  const velero = (...args: readonly string[]): Promise<string> =>
    run([toolPath(config, "velero"), ...args], {
      timeout: 300_000,
      env: { ...process.env, KUBECONFIG: kubeconfigFile(config) },
    });
  const secret = async (name: string, input: string): Promise<unknown> =>
    pulumi(config, ["config", "set", "--secret", `velero:${name}`, "--stack", stack], { stack, input });
  const phaseOf = (...args: readonly string[]): Promise<string> =>
    context.kubectlValue("{.status.phase}", "-n", "velero", ...args);
  const available = (wanted: string): Promise<unknown> =>
    until(`the bucket ${wanted}`, { timeout: 180_000 }, async () => {
      assert.equal(await phaseOf("backupstoragelocation", "default"), wanted);
    });
  /** What people have of a namespace. */
  const contents = async (): Promise<unknown> => {
    const read = async <T>(kind: string, name: string): Promise<T> =>
      context.kubectlJson<T>(["get", "-n", shop, kind, name]);
    const [prices, safe, ledger, till] = await Promise.all([
      read<{ data: unknown }>("configmap", "prices"),
      read<{ data: unknown; type: string }>("secret", "safe"),
      read<{ spec: unknown }>("pvc", "ledger"),
      read<{ spec: unknown }>("deployment", "till"),
    ]);
    const team = await context.kubectlValue("{.metadata.labels.team}", "namespace", shop);
    return { team, prices: prices.data, safe: [safe.data, safe.type], ledger: ledger.spec, till: till.spec };
  };
  const served = (): Promise<string> =>
    context.kubectl(["rollout", "status", "-n", shop, "deployment/till", "--timeout=120s"], { timeout: 130_000 });
  const names = async (): Promise<readonly string[]> =>
    (await scaling.changes()).map(({ op, urn }) => `${op} ${nameOf(urn)}`);
  const ofVelero = /^(create|delete) kubernetes-(velero|namespace-velero|restores|[a-z]+\.velero\.io)/;

  it("comes with its own resources and no others, and reaches its bucket", async () => {
    await secret("access_key_id", key.id);
    await secret("secret_access_key", key.secret);
    await cluster.changes.set({
      "addons.velero.enabled": "true",
      "addons.velero.bucket": bucket,
      "addons.velero.prefix": "dev",
      "addons.velero.endpoint": objectStorageUrl(config),
      "addons.velero.path_style": "true",
      "addons.velero.schedule": "*/2 * * * *",
    });
    const changes = await names();
    assert.ok(changes.length > 15, changes.join("\n"));
    assert.deepEqual(
      changes.filter((line) => !ofVelero.test(line)),
      [],
    );
    const began = Date.now();
    await cluster.changes.up();
    process.stdout.write(`      on after ${((Date.now() - began) / 1000).toFixed(0)} s\n`);
    await available("Available");
    await cluster.changes.settled();
  });

  it("brings a namespace back that was deleted, as it was", async () => {
    await context.apply(...objects);
    await served();
    const before = await contents();
    await velero("backup", "create", "first", "--include-namespaces", shop, "--wait");
    assert.equal(await phaseOf("backup", "first"), "Completed");
    await context.kubectl(["delete", "namespace", shop, "--timeout=120s"], { timeout: 130_000 });
    await velero("restore", "create", "again", "--from-backup", "first", "--wait");
    assert.equal(await phaseOf("restore", "again"), "Completed");
    await served();
    assert.deepEqual(await contents(), before);
    const memory = await context.tryKubectl(["-n", "velero", "get", "pods", "-o", "wide"]);
    process.stdout.write(memory.stdout.replace(/^/gm, "      "));
  });

  it("backs up the whole cluster by itself, without the keys of the bucket", async () => {
    const name = await until("a backup of the schedule", { timeout: 360_000, pause: 5_000 }, async () => {
      const path = '{range .items[?(@.status.phase=="Completed")]}{.metadata.name} {end}';
      const found = await context.kubectlValue(
        path,
        ...["backups", "-n", "velero", "-l", "velero.io/schedule-name=regular"],
      );
      return found.split(" ")[0] || false;
    });
    const listed = await velero("backup", "describe", name, "--details");
    assert.match(listed, /kube-system\/coredns/);
    assert.doesNotMatch(listed, /velero\/cloud-credentials/);
  });

  it("says what is wrong with its keys, and goes on when they are right", async () => {
    await secret("secret_access_key", "wrong");
    await cluster.changes.up();
    await available("Unavailable");
    const message = await context.kubectlValue("{.status.message}", "-n", "velero", "backupstoragelocation", "default");
    process.stdout.write(`      ${message}\n`);
    assert.match(message, /SignatureDoesNotMatch|Forbidden|403/);
    assert.match(await velero("backup-location", "get"), /Unavailable/);
    await secret("secret_access_key", key.secret);
    await cluster.changes.up();
    await available("Available");
  });

  it("backs up again after its machine died during a backup", async () => {
    const node = await context.kubectlValue("{.items[0].spec.nodeName}", "pods", "-n", "velero");
    const machine = context.machines().find(({ name }) => name === node)!;
    await velero("backup", "create", "cut-off");
    await crash(context, machine);
    await powerOn(context, machine);
    await until("the machine", { timeout: 300_000 }, async () => {
      await context.kubectl(["wait", "--for=condition=Ready", `node/${node}`, "--timeout=5s"]);
      await context.kubectl(["rollout", "status", "-n", "velero", "deployment/velero", "--timeout=5s"]);
    });
    const phase = await until("an end of the backup", { timeout: 120_000 }, async () => {
      const now = await phaseOf("backup", "cut-off");
      return /Completed|Failed/.test(now) && now;
    });
    process.stdout.write(`      the backup that was cut off: ${phase}\n`);
    await velero("backup", "create", "next", "--include-namespaces", shop, "--wait");
    assert.equal(await phaseOf("backup", "next"), "Completed");
  });

  it("goes with its own resources, restores among them, and leaves nothing but what is in the bucket", async () => {
    await cluster.changes.set({ "addons.velero.enabled": "false" });
    assert.deepEqual(
      (await names()).filter((line) => !ofVelero.test(line)),
      [],
    );
    await cluster.changes.up();
    await cluster.changes.settled();
    const left = await context.kubectl(["get", "crd,clusterrolebinding,clusterrole,namespace", "-o", "name"]);
    assert.doesNotMatch(left, /velero/);
    assert.ok(objectsIn(config, `${bucket}/dev/backups/first`).length > 3);
    await served();
  });

  it("finds its backups again when it comes back", async () => {
    await cluster.changes.set({ "addons.velero.enabled": "true" });
    await cluster.changes.up();
    await until("the backups of the bucket", { timeout: 180_000 }, async () =>
      assert.equal(await phaseOf("backup", "first"), "Completed"),
    );
    assert.equal((await tryRun([toolPath(config, "velero"), "version", "--client-only"])).code, 0);
  });
});
