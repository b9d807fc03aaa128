/** Velero: what a cluster gets with it, and what it may do. */
import assert from "node:assert/strict";
import { rendered } from "../../components/addons/manifests/manifests.js";
import { addonNeeds } from "../../infra/settings/sizes.js";
import { validate } from "../../infra/settings/validate.js";
import { least, type Settings } from "../settings/support/cases.js";
import { keyOf, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";
import { setVeleroKeys, veleroSpec } from "./support/veleroSpec.js";

interface Location {
  readonly objectStorage: unknown;
  readonly config: unknown;
  readonly credential: { readonly name: string; readonly key: string };
}

describe("Velero", function () {
  this.timeout(runTimeout);
  let run: Run;
  before(async () => {
    setVeleroKeys();
    run = await runProgram(veleroSpec());
  });

  const spec = <Spec>(of: Run, type: string, name: string): Spec => of.one(type, name).inputs["spec"] as Spec;
  const location = async (changes: Settings): Promise<Location> =>
    spec(await runProgram(veleroSpec(changes)), "BackupStorageLocation", "dev-velero-location");
  const pod = () =>
    spec<{ template: { spec: Record<string, unknown> } }>(run, "Deployment", "dev-velero").template.spec as {
      containers: { args: string[]; env: { name: string; value: string }[]; securityContext: unknown }[];
      initContainers: { image: string }[];
      securityContext: unknown;
    };

  it("is in a cluster that turns it on, and changes nothing else there", async () => {
    const without = await runProgram(testSpec());
    assert.deepEqual(
      without.registrations.filter(({ name }) => name.includes("velero")),
      [],
    );
    const plain = await runProgram(veleroSpec({ enabled: false }));
    const known = new Set(plain.registrations.map(keyOf));
    const added = run.registrations.filter((each) => !known.has(keyOf(each)));
    const kinds = added.filter(({ type }) => !type.endsWith(":CustomResourceDefinition"));
    assert.deepEqual(kinds.map((each) => keyOf(each).split(":").pop()).sort(), [
      "BackupStorageLocation/dev-velero-location",
      "ClusterRoleBinding/dev-velero",
      "Deployment/dev-velero",
      "Leftovers/dev-restores",
      "Namespace/dev-namespace-velero",
      "Schedule/dev-velero-schedule",
      "Secret/dev-velero-credentials",
      "ServiceAccount/dev-velero",
    ]);
    const inputs = new Map(run.registrations.map((each) => [keyOf(each), each.inputs]));
    for (const each of plain.registrations) assert.deepEqual(inputs.get(keyOf(each)), each.inputs, keyOf(each));
  });

  it("has all kinds of its authors before its own objects, and those before its pod", () => {
    const kinds = run.of("CustomResourceDefinition");
    assert.deepEqual(
      kinds.map(({ inputs }) => (inputs["metadata"] as { name: string }).name).sort(),
      rendered("velero")
        .objects.map(({ metadata }) => metadata.name)
        .sort(),
    );
    assert.equal(kinds.length, 13);
    const objects = [
      run.one("BackupStorageLocation", "dev-velero-location"),
      run.one("Schedule", "dev-velero-schedule"),
    ];
    for (const { dependsOn } of objects) for (const kind of kinds) assert.ok(dependsOn.includes(keyOf(kind)));
    const { dependsOn } = run.one("Deployment", "dev-velero");
    const leftovers = run.one("Leftovers", "dev-restores");
    for (const each of [...kinds, ...objects, leftovers]) assert.ok(dependsOn.includes(keyOf(each)), keyOf(each));
    assert.ok(leftovers.dependsOn.includes(keyOf(run.one("CustomResourceDefinition", "dev-restores.velero.io"))));
    assert.deepEqual(
      ["group", "version", "resource", "namespace"].map((key) => leftovers.inputs[key]),
      ["velero.io", "v1", "restores", "velero"],
    );
  });

  it("keeps its keys in one Secret, and out of the readable state", () => {
    const secret = run.one("Secret", "dev-velero-credentials");
    assert.deepEqual(secret.inputs["stringData"], {
      cloud: "[default]\naws_access_key_id=key-of-the-bucket\naws_secret_access_key=secret-of-the-key\n",
    });
    for (const { readable } of run.registrations)
      assert.doesNotMatch(JSON.stringify(readable), /key-of-the-bucket|secret-of-the-key/);
    const { credential } = spec<Location>(run, "BackupStorageLocation", "dev-velero-location");
    assert.deepEqual(credential, { name: (secret.inputs["metadata"] as { name: string }).name, key: "cloud" });
  });

  it("finds the bucket on AWS, or at another service", async () => {
    assert.deepEqual((await location({})).config, { s3ForcePathStyle: "false" });
    assert.deepEqual((await location({})).objectStorage, { bucket: "backups" });
    assert.deepEqual((await location({ region: "eu-west-1" })).config, {
      region: "eu-west-1",
      s3ForcePathStyle: "false",
    });
    const other = await location({ endpoint: "https://s3.example.net", path_style: true, prefix: "prod" });
    assert.deepEqual(other.config, { region: "us-east-1", s3Url: "https://s3.example.net", s3ForcePathStyle: "true" });
    assert.deepEqual(other.objectStorage, { bucket: "backups", prefix: "prod" });
  });

  it("backs up at the times of the setting, keeps backups as long, and leaves its own objects out", async () => {
    const daily = spec<{ schedule: string; template: unknown }>(run, "Schedule", "dev-velero-schedule");
    assert.equal(daily.schedule, "0 3 * * *");
    assert.deepEqual(daily.template, { excludedNamespaces: ["velero"], snapshotVolumes: false, ttl: "720h0m0s" });
    assert.ok(pod().containers[0]!.args.includes("--default-backup-ttl=720h0m0s"));
    assert.deepEqual((await runProgram(veleroSpec({ schedule: "" }))).of("Schedule"), []);
    const week = await runProgram(veleroSpec({ keep_days: 7 }));
    assert.match(JSON.stringify(spec(week, "Schedule", "dev-velero-schedule")), /"168h0m0s"/);
    assert.match(JSON.stringify(spec(week, "Deployment", "dev-velero")), /--default-backup-ttl=168h0m0s/);
  });

  it("may do everything in the API, by one binding of its own account, and nothing on its machine", () => {
    const bound = run
      .of("ClusterRoleBinding")
      .filter(({ inputs }) => (inputs["roleRef"] as { name: string }).name === "cluster-admin");
    assert.deepEqual(
      bound.map(({ inputs }) => inputs["subjects"]),
      [[{ kind: "ServiceAccount", name: "velero", namespace: "velero" }]],
    );
    const { labels } = run.one("Namespace", "dev-namespace-velero").inputs["metadata"] as { labels: object };
    assert.equal((labels as Record<string, string>)["pod-security.kubernetes.io/enforce"], "restricted");
    assert.deepEqual(pod().securityContext, {
      seccompProfile: { type: "RuntimeDefault" },
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
    });
    for (const { securityContext } of [...pod().containers, ...(pod().initContainers as never[])] as {
      securityContext: unknown;
    }[])
      assert.deepEqual(securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      });
    assert.ok(
      pod().containers[0]!.env.some(({ name, value }) => name === "AWS_EC2_METADATA_DISABLED" && value === "true"),
    );
  });

  it("needs as much of a worker as its settings say", () => {
    const requests = (velero: Settings) => addonNeeds(validate({ ...least, addons: { velero } }).settings!, "worker");
    const [off, on] = [requests({}), requests({ enabled: true, bucket: "backups", cpus: 0.3, mem: 300 })];
    assert.equal(Math.round((on.cpus - off.cpus) * 100), 30);
    assert.equal(on.memory - off.memory, 300);
  });
});
