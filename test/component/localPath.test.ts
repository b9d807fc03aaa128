/** Volumes on the machines' own disks, where there is no cloud provider. */
import assert from "node:assert/strict";
import { storageClassNames } from "../../components/cloud/addon.js";
import type { ClusterSpec } from "../../components/spec/cluster.js";
import { cloudSpec, setToken } from "./support/cloudSpecs.js";
import { type Registration, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

const name = "local-path-provisioner";
const namespace = "local-path-storage";

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface PodSpec {
  readonly containers: readonly {
    readonly image: string;
    readonly command?: readonly string[];
    readonly securityContext: { readonly capabilities: unknown; readonly readOnlyRootFilesystem: boolean };
    readonly resources: { readonly requests?: Record<string, string>; readonly limits?: Record<string, string> };
  }[];
  readonly automountServiceAccountToken?: boolean;
  readonly priorityClassName?: string;
  readonly tolerations?: unknown;
  readonly volumes?: unknown;
}

const metadata = ({ inputs }: Registration): Metadata => inputs["metadata"] as Metadata;
const own = (run: Run): Registration[] =>
  run.registrations.filter(
    (each) =>
      each.type.startsWith("kubernetes:") &&
      (/local-path/.test(metadata(each).name) ||
        metadata(each).namespace === namespace ||
        each.type.endsWith(":StorageClass")),
  );
const found = (run: Run, kind: string): Registration => {
  const [first, ...rest] = own(run).filter(({ type }) => type.endsWith(`:${kind}`));
  assert.ok(first !== undefined && rest.length === 0, kind);
  return first;
};
const withBlock = (block: Partial<ClusterSpec["addons"]["local_path"]>, changes: Partial<ClusterSpec> = {}) => {
  const { addons } = testSpec();
  return testSpec({ ...changes, addons: { ...addons, local_path: { ...addons.local_path, ...block } } });
};

describe("volumes of clusters without a cloud provider", function () {
  this.timeout(runTimeout);
  let run: Run;
  before(async () => {
    setToken();
    run = await runProgram(testSpec());
  });

  it("have the classes' names, labels and default of clouds, and folders in place of disks", () => {
    const classes = run.of("StorageClass");
    assert.deepEqual(classes.map((each) => metadata(each).name).sort(), ["cold-hdd", "ssd"]);
    assert.deepEqual(Object.values(storageClassNames).sort(), ["cold-hdd", "ssd"]);
    for (const each of classes) {
      const { name: className, labels, annotations } = metadata(each);
      assert.deepEqual(labels, { "kubernetes.io/cluster-service": "true" });
      assert.equal(
        annotations?.["storageclass.kubernetes.io/is-default-class"],
        className === "ssd" ? "true" : undefined,
      );
      assert.equal(annotations?.["defaultVolumeType"], "local");
      assert.match(annotations["corekube.io/note"] ?? "", /go with the machine/);
      assert.equal(each.inputs["provisioner"], "rancher.io/local-path");
      assert.equal(each.inputs["volumeBindingMode"], "WaitForFirstConsumer");
      assert.equal(each.inputs["reclaimPolicy"], "Delete");
      assert.equal(each.inputs["allowVolumeExpansion"], false);
    }
  });

  it("are made by one pod, in a namespace whose pods may mount the machine's directories", () => {
    assert.equal(metadata(found(run, "Namespace")).labels?.["pod-security.kubernetes.io/enforce"], "privileged");
    const deployment = found(run, "Deployment");
    assert.equal(metadata(deployment).namespace, namespace);
    const { replicas, template } = deployment.inputs["spec"] as { replicas: number; template: { spec: PodSpec } };
    assert.equal(replicas, 1);
    const [{ command = [] } = {}] = template.spec.containers;
    // What it is told is what there is: the files of its ConfigMap, and that one's name.
    const config = found(run, "ConfigMap");
    assert.equal(metadata(config).name, name);
    for (const file of ["config.json", "helperPod.yaml"])
      assert.ok(
        command.some((each) => each.endsWith(`=/etc/local-path/${file}`)),
        file,
      );
    assert.ok(command.includes(`--configmap-name=${name}`) && command.includes(`--namespace=${namespace}`));
    assert.deepEqual(Object.keys(config.inputs["data"] as object).sort(), [
      "config.json",
      "helperPod.yaml",
      "setup",
      "teardown",
    ]);
  });

  it("are folders below the setting's path, made and removed by pods without the provisioner's rights", async () => {
    const data = found(await runProgram(withBlock({ path: "/mnt/volumes" })), "ConfigMap").inputs["data"] as Record<
      string,
      string
    >;
    assert.deepEqual(JSON.parse(data["config.json"]!), {
      nodePathMap: [{ node: "DEFAULT_PATH_FOR_NON_LISTED_NODES", paths: ["/mnt/volumes"] }],
    });
    const { spec } = JSON.parse(data["helperPod.yaml"]!) as { spec: PodSpec };
    assert.equal(spec.automountServiceAccountToken, false);
    const command = (found(run, "Deployment").inputs["spec"] as { template: { spec: PodSpec } }).template.spec
      .containers[0]!.command!;
    assert.ok(command.includes("--service-account-name=default"));
    const [helper] = spec.containers;
    assert.match(helper!.image, /^docker\.io\/library\/busybox:[\d.]+@sha256:[0-9a-f]{64}$/);
    assert.deepEqual(helper!.securityContext.capabilities, { drop: ["ALL"], add: ["DAC_OVERRIDE", "FOWNER"] });
    assert.equal(helper!.securityContext.readOnlyRootFilesystem, true);
    assert.ok(helper!.resources.requests && helper!.resources.limits);
  });

  it("need no more rights than these", () => {
    const rules = (kind: string): string[] =>
      (found(run, kind).inputs["rules"] as { resources: string[]; verbs: string[] }[]).map(
        ({ resources, verbs }) => `${resources.join(",")}: ${verbs.join(",")}`,
      );
    assert.deepEqual(rules("ClusterRole"), [
      "nodes: get",
      "persistentvolumeclaims: get,list,watch",
      "persistentvolumes: get,list,watch,create,delete",
      "storageclasses: get,list,watch",
      "events: create,patch",
    ]);
    assert.deepEqual(rules("Role"), ["pods: get,create,delete", "pods/log: get"]);
    assert.equal(metadata(found(run, "Role")).namespace, namespace);
  });

  it("are left out, with all that belongs to them, where a setting says so or a cloud provider has volumes", async () => {
    assert.equal(own(await runProgram(withBlock({ enabled: false }))).length, 0);
    for (const cloud of ["aws", "digitalocean"] as const) {
      const names = own(await runProgram(cloudSpec(cloud))).map((each) => metadata(each).name);
      assert.deepEqual(names.sort(), ["cold-hdd", "ssd"], cloud);
    }
  });
});
