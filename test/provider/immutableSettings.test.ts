import assert from "node:assert/strict";
import { ImmutableSettings } from "../../provider/resources/immutableSettings.js";
import type { Properties } from "../../provider/rpc/properties.js";
import { configurationReference } from "../../infra/settings/reference.js";
import { clouds } from "../../components/clouds.js";
import { optionGroups, optionsOf } from "../../components/spec/settings/index.js";

const made: Properties = {
  clusterName: "prod",
  cloud: "digitalocean",
  region: "fra1",
  nodeCidr: "10.4.0.0/20",
  podCidr: "10.2.0.0/16",
  serviceCidr: "10.3.0.0/16",
  clusterDomain: "cluster.local",
  networkProvider: "flannel",
  cloudProvider: "none",
  awsMachines: "public",
  awsVpc: "",
  highAvailability: true,
  etcdCount: 3,
  etcdDiskType: "MOUNT",
  etcdDataDisk: 5,
  etcdWalDisk: 1,
  encryptionKey: 4,
};

describe("immutable settings", () => {
  const kind = new ImmutableSettings();
  const refused = (changed: Properties, before: Properties = made) =>
    kind.check({ ...made, ...changed }, before).failures;

  it("are accepted at first, and without a change", () => {
    assert.deepEqual(kind.check(made), { inputs: made, failures: [] });
    // The engine sends an empty bag for a resource that is new.
    assert.deepEqual(kind.check(made, {}).failures, []);
    assert.deepEqual(kind.check(made, made).failures, []);
  });

  const changes: readonly (readonly [Properties, string, string, string])[] = [
    [
      { clusterName: "dev" },
      'cluster_name: got "dev"; this cluster was created with "prod"',
      "named after it",
      "pulumi config set cluster_name prod",
    ],
    [{ cloud: "aws" }, 'cloud: got "aws"', "another cloud", "pulumi config set cloud digitalocean"],
    [{ region: "nyc3" }, 'region: got "nyc3"', "belong to a region", "pulumi config set region fra1"],
    [{ nodeCidr: "10.5.0.0/20" }, "node_cidr: ", "under its machines", "pulumi config set node_cidr 10.4.0.0/20"],
    [{ podCidr: "10.2.0.0/15" }, "pod_cidr: ", "every node has a part", "pulumi stack init <name>"],
    [{ serviceCidr: "10.3.0.0/17" }, "service_cidr: ", "in certificates", "pulumi config set service_cidr 10.3.0.0/16"],
    [{ clusterDomain: "k8s.local" }, "cluster_domain: ", "issuer", "pulumi config set cluster_domain cluster.local"],
    [
      { networkProvider: "none" },
      "network_provider: ",
      "lose their network",
      "pulumi config set network_provider flannel",
    ],
    [
      { awsMachines: "private" },
      'aws.machines: got "private"; this cluster was created with "public"',
      "the API to another address",
      "pulumi config set --path 'aws.machines' public",
    ],
    [
      { awsVpc: "vpc-0a1b2c3d" },
      'aws.vpc_id: got "vpc-0a1b2c3d"; this cluster was created with ""',
      "belong to a network",
      "pulumi config rm --path 'aws.vpc_id'",
    ],
    [
      { cloudProvider: "digitalocean" },
      'cloud_provider: got "digitalocean"; this cluster was created with "none"',
      "when it registers",
      "pulumi config set cloud_provider none",
    ],
    [
      { highAvailability: false },
      "high_availability: got false; this cluster was created with true",
      "kubeconfigs",
      "pulumi config set high_availability true",
    ],
    [
      { etcdCount: 5 },
      "etcd.count: got 5; this cluster was created with 3",
      "one by one",
      "pulumi config set --path 'etcd.count' 3",
    ],
    [
      { etcdDiskType: "ROOT" },
      "etcd.disk_type: ",
      "stay on the old disks",
      "pulumi config set --path 'etcd.disk_type' MOUNT",
    ],
    [
      { etcdDataDisk: 4 },
      "etcd.data_disk: got 4096; this cluster was created with 5120",
      "no cloud can shrink a volume",
      "pulumi config set --path 'etcd.data_disk' 5120",
    ],
    [{ etcdWalDisk: 0 }, "etcd.wal_disk: ", "shrink", "pulumi config set --path 'etcd.wal_disk' 1024"],
    [{ encryptionKey: 2 }, "encryption_key: got 2", "must stay readable", "pulumi config set encryption_key 4"],
    [{ encryptionKey: 6 }, "encryption_key: got 6", "must stay readable", "pulumi config set encryption_key 4"],
  ];
  for (const [changed, got, reason, remedy] of changes) {
    it(`refuses ${JSON.stringify(changed)} with the reason and what to do`, () => {
      const failures = refused(changed);
      assert.deepEqual(
        failures.map(({ property }) => property),
        Object.keys(changed),
      );
      for (const words of [
        `corekube:${got}`,
        "cannot be changed in place",
        reason,
        "Nothing was created or changed.",
        remedy,
      ])
        assert.ok(failures[0]!.reason.includes(words), `${words}: ${failures[0]!.reason}`);
    });
  }

  it("refuses all changes at once", () => {
    assert.deepEqual(
      refused({ serviceCidr: "10.9.0.0/16", etcdCount: 1, highAvailability: false })
        .map(({ property }) => property)
        .sort(),
      ["etcdCount", "highAvailability", "serviceCidr"],
    );
  });

  it("lets the key go back to the number before, while API servers have both keys", () => {
    assert.deepEqual(refused({ encryptionKey: 3 }), []);
  });

  it("lets volumes grow and the key go up by one, and keeps the new values", () => {
    const changed = { etcdDataDisk: 6, etcdWalDisk: 2, encryptionKey: 5 };
    assert.deepEqual(refused(changed), []);
    assert.deepEqual(
      kind
        .diff({ inputs: made, outputs: {} }, { ...made, ...changed })
        .changes.map(({ path, kind: what, replace }) => [path, what, replace]),
      [
        ["etcdDataDisk", "update", false],
        ["etcdWalDisk", "update", false],
        ["encryptionKey", "update", false],
      ],
    );
  });

  it("accepts etcd on the machines' own disks, without volumes", () => {
    const { etcdDataDisk: _data, etcdWalDisk: _wal, ...without } = made;
    assert.deepEqual(new ImmutableSettings().check({ ...without, etcdDiskType: "ROOT" }).failures, []);
  });

  it("accepts a first value for a setting that the state does not have", () => {
    const { clusterDomain: _unknown, ...before } = made;
    assert.deepEqual(refused({ clusterDomain: "k8s.local" }, before), []);
  });

  it("names settings that exist, all of them listed in the reference", () => {
    const reference = configurationReference();
    for (const [changed] of changes) {
      const setting = /^corekube:([a-z_.]+):/.exec(refused(changed)[0]!.reason)?.[1] ?? assert.fail();
      assert.ok(Object.hasOwn(optionsOf(optionGroups(clouds)), setting.split(".")[0]!), setting);
      assert.ok(reference.slice(0, reference.indexOf("\n## ")).includes(`\`${setting}\``), setting);
    }
  });
});
