/** Snapshots of volumes: where a cluster has them, in which order they come, and with which rights. */
import assert from "node:assert/strict";
import { cloudSpec, setToken } from "./support/cloudSpecs.js";
import { keyOf, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
interface Container {
  readonly name: string;
  readonly args: readonly string[];
}

const clouds = ["aws", "digitalocean"] as const;
const drivers = { aws: "ebs-csi", digitalocean: "do-csi" } as const;
const group = "snapshot.storage.k8s.io";

const containers = (run: Run, name: string): readonly Container[] => {
  const { spec } = run.one("Deployment", name).inputs as {
    readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
  };
  return spec.template.spec.containers;
};
const ofSnapshots = (run: Run): string[] =>
  run.registrations.map(({ name }) => name).filter((name) => name.includes("snapshot"));
const rights = (run: Run, role: string): readonly Rule[] =>
  (run.one("ClusterRole", role).inputs["rules"] as readonly Rule[]).filter(({ apiGroups }) =>
    apiGroups.includes(group),
  );

describe("snapshots of volumes", function () {
  this.timeout(runTimeout);
  before(() => setToken());

  it("are left out without the cloud's driver, and where a setting says so", async () => {
    assert.deepEqual(ofSnapshots(await runProgram(testSpec())), []);
    assert.deepEqual(ofSnapshots(await runProgram(cloudSpec("aws", { csiDriver: false }))), []);
    const { addons } = testSpec();
    const volume_snapshots = { ...addons.volume_snapshots, enabled: false };
    const run = await runProgram(cloudSpec("aws", { addons: { ...addons, volume_snapshots } }));
    assert.deepEqual(ofSnapshots(run), []);
    assert.ok(!containers(run, "dev-ebs-csi-controller").some(({ name }) => name === "csi-snapshotter"));
    assert.deepEqual(rights(run, "dev-ebs-csi-controller"), []);
  });

  for (const cloud of clouds)
    describe(`on ${cloud}`, () => {
      const driver = `dev-${drivers[cloud]}-controller`;
      let run: Run;
      before(async () => {
        run = await runProgram(cloudSpec(cloud, { highAvailability: true }));
      });

      it("have one class, the default, which belongs to the cluster's driver", () => {
        const [made, ...others] = run.registrations.filter(({ type }) => type.endsWith(":VolumeSnapshotClass"));
        assert.deepEqual(others, []);
        const { metadata, driver: provisioner, deletionPolicy } = made!.inputs as Record<string, unknown>;
        assert.deepEqual(metadata, {
          name: "snapshots",
          annotations: { "snapshot.storage.kubernetes.io/is-default-class": "true" },
          labels: { "velero.io/csi-volumesnapshot-class": "true" },
        });
        assert.equal(
          provisioner,
          run.of("CSIDriver")[0]!.inputs["metadata"] &&
            (run.of("CSIDriver")[0]!.inputs["metadata"] as { name: string }).name,
        );
        assert.equal(deletionPolicy, "Delete");
      });

      it("are made by a sidecar of the driver, which starts after the definitions and the controller", () => {
        assert.ok(containers(run, driver).some(({ name }) => name === "csi-snapshotter"));
        const controller = run.one("Deployment", "dev-snapshot-controller");
        assert.ok(run.one("Deployment", driver).dependsOn.includes(keyOf(controller)));
        const definitions = run.of("CustomResourceDefinition").map(({ name }) => name);
        assert.deepEqual(definitions.sort(), [
          `dev-volumesnapshotclasses.${group}`,
          `dev-volumesnapshotcontents.${group}`,
          `dev-volumesnapshots.${group}`,
        ]);
        for (const each of run.of("CustomResourceDefinition"))
          assert.ok(controller.dependsOn.includes(keyOf(each)), each.name);
      });

      it("have two controllers on different machines, of which one works", () => {
        const { replicas } = run.one("Deployment", "dev-snapshot-controller").inputs["spec"] as { replicas: number };
        assert.equal(replicas, 2);
        const [{ args }] = containers(run, "dev-snapshot-controller") as readonly [Container];
        assert.ok(args.includes("--leader-election=true"));
        assert.ok(run.of("PodDisruptionBudget").some(({ name }) => name === "dev-snapshot-controller"));
      });

      it("go from the API, in all namespaces, after the pods that hold them", () => {
        const leftovers = run.registrations.filter(({ type }) => type === "corekube:cluster:Leftovers");
        assert.deepEqual(
          leftovers.map(({ inputs }) => [inputs["resource"], inputs["namespace"]]),
          [
            ["volumesnapshots", undefined],
            ["volumesnapshotcontents", undefined],
          ],
        );
        const controller = run.one("Deployment", "dev-snapshot-controller");
        for (const each of leftovers) {
          assert.ok(controller.dependsOn.includes(keyOf(each)));
          assert.equal(each.dependsOn.filter((key) => key.includes("CustomResourceDefinition")).length, 3);
        }
      });
    });
});
