/** A cloud is one object: a third one, defined in one folder, works in every part of the product with one more entry in the list. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { costs } from "../../bench/costs.js";
import { clouds } from "../../components/clouds.js";
import { allImmutables } from "../../components/immutables/all.js";
import { ImmutableSettings } from "../../components/immutables/immutableSettings.js";
import { clusterSpec } from "../../infra/config.js";
import { SettingsError } from "../../infra/settings/settingsError.js";
import { rulesFor } from "../../policies/rules.js";
import type { Given } from "../policies/support/case.js";
import { run } from "../policies/support/run.js";
import { configuration, aws } from "../settings/support/cases.js";
import type { Settings } from "../settings/support/cases.js";
import { keyOf, runProgram, runTimeout, type Run } from "./support/registrations.js";
import { tiny } from "./support/thirdCloud/index.js";
import { tinyTypes } from "./support/thirdCloud/types.js";

const list = [...clouds, tiny];

const least: Settings = {
  cloud: "tiny",
  region: "cellar",
  "tiny:account": "ada",
  cluster_name: "dev",
  etcd: { wal_disk: 2048 },
};
const full: Settings = { ...least, high_availability: true, cloud_provider: "tiny" };
const read = (settings: Settings) => clusterSpec(configuration(settings), [], list);

describe("a third cloud", function () {
  this.timeout(runTimeout);

  it("is unknown without its entry in the list", () => {
    assert.throws(() => clusterSpec(configuration(least)), /corekube:cloud: got "tiny"; allowed: digitalocean, aws\./);
  });

  it("has valid settings", () => {
    const spec = read({ ...full, tiny: { racks: "many" } });
    assert.deepEqual(spec.cloudSettings, { cloud: "tiny", racks: "many" });
    assert.deepEqual([spec.cloud, spec.cloudProvider, spec.csiDriver], ["tiny", "tiny", true]);
    assert.deepEqual([spec.etcd.size, spec.workers.size, spec.image], ["small", "large", "flatcar-4593.2.5"]);
  });

  /** Settings, path of the problem, and a part of the message. */
  const refused: readonly (readonly [Settings, string, string])[] = [
    [{ ...least, region: "fra1" }, "region", "a region of tiny: cellar"],
    [{ ...least, node_size: "s-4vcpu-8gb" }, "node_size", "a machine size of tiny"],
    [{ ...least, node_size: "s-4vcpu-8gb" }, "node_size", "this is a size of another cloud"],
    [{ ...least, image: "ami-0123456789abcdef0" }, "image", "this is an image of another cloud"],
    [{ ...least, cloud_provider: "aws" }, "cloud_provider", "none or tiny"],
    [
      { ...least, node_cidr: "10.200.0.0/20" },
      "node_cidr",
      "which tiny reserves. Set it: pulumi config set node_cidr 10.1.0.0/20",
    ],
    [{ ...least, pod_cidr: "10.200.0.0/25" }, "pod_cidr", "Set it: pulumi config set pod_cidr 10.0.0.0/24"],
    [{ ...least, node_placement: "cellar-a" }, "node_placement", "tiny has no failure domains"],
    [{ ...least, tags: { "a-b": "c" } }, "tags.a-b", "on tiny: letters and digits"],
    [{ ...least, tiny: { racks: "two" } }, "tiny.racks", "one, many"],
    [{ ...least, etcd: { data_disk: 32_769, wal_disk: 2048 } }, "etcd.data_disk", "2048 to 32768 MB on tiny"],
    [{ ...least, etcd: { wal_disk: 1024 } }, "etcd.wal_disk", "2048 to 32768 MB on tiny"],
    [{ ...full, tiny: { racks: "one" } }, "tiny.racks", "pulumi config set --path 'tiny.racks' many"],
    [{ ...least, aws: { machines: "private" } }, "aws.machines", "the cluster is on tiny"],
    [{ ...aws, tiny: { racks: "one" } }, "tiny.racks", "the cluster is on aws, and these are settings of tiny"],
    [{ ...aws, node_size: "small" }, "node_size", "this is a size of another cloud"],
    [{ ...least, "tiny:account": "" }, "tiny:account", "an account"],
  ];
  for (const [settings, path, words] of refused) {
    it(`refuses ${JSON.stringify(settings)}`, () => {
      try {
        read(settings);
      } catch (error) {
        assert.ok(error instanceof SettingsError, String(error));
        assert.deepEqual([...new Set(error.problems.map((problem) => problem.path))], [path], error.message);
        assert.ok(error.message.includes(words), error.message);
        return;
      }
      assert.fail("accepted");
    });
  }

  it("checks the size of volumes only where etcd has volumes", () => {
    assert.deepEqual(read({ ...least, etcd: { data_disk: 32_768, wal_disk: 1025 } }).etcd.disks, {
      type: "volumes",
      data: 32,
      wal: 2,
    });
    const root = { ...least, etcd: { count: 3, disk_type: "ROOT", data_disk: 65_536, wal_disk: 512 } };
    assert.deepEqual(read(root).etcd.disks, { type: "root", data: 64 });
  });

  it("has prices", () => {
    const spec = read(least);
    assert.deepEqual(costs(spec, list), [
      { what: "1 × small (etcd)", monthly: 5 },
      { what: "1 × small (controller)", monthly: 5 },
      { what: "1 × large (worker)", monthly: 20 },
      { what: "5 GB of volumes", monthly: 2.5 },
    ]);
  });

  it("has settings that cannot change", async () => {
    let inputs: unknown;
    await pulumi.runtime.setMocks({
      newResource: (args) => {
        inputs = args.inputs;
        return { id: "cluster", state: {} };
      },
      call: () => ({}),
    });
    await new ImmutableSettings(read(least), undefined, allImmutables([tiny])).accepted();
    assert.equal((inputs as Record<string, unknown>)["tinyRacks"], "many");
  });

  describe("in a cluster", () => {
    let made: Run;
    before(async () => {
      made = await runProgram(read(full), {}, list);
    });

    it("makes all machines, and puts controllers behind its load balancers", () => {
      assert.deepEqual(
        made.of("Machine").map(({ name, inputs }) => [name, inputs["size"], inputs["balancer"] !== ""]),
        [
          ...[0, 1, 2].map((index) => [`dev-controller-${index}`, "large", true]),
          ...[0, 1, 2].map((index) => [`dev-etcd-${index}`, "small", false]),
          ["dev-worker-0", "large", false],
        ],
      );
      assert.equal(made.of("Volume").length, 6);
      assert.equal(made.of("Join").length, 1);
    });

    it("has its part of the add-ons, and no other cloud's resources", () => {
      assert.deepEqual(
        made.of("StorageClass").map(({ inputs }) => inputs["provisioner"]),
        ["csi.tiny.example"],
      );
      assert.deepEqual(made.registrations.filter(({ type }) => /^(aws|digitalocean):/.test(type)).map(keyOf), []);
    });

    /** Its resources as the policies get them. */
    const given = (): Given[] =>
      made.registrations
        .filter(({ type }) => type.startsWith("tiny:"))
        .map(({ type, name, inputs, protect }) => ({ type, name, protect, props: inputs }));
    const problems = async (resources: readonly Given[]): Promise<string[]> =>
      (await Promise.all(rulesFor(list).map((rule) => run(rule, resources))))
        .flat()
        .map((said) => `${said.rule} ${said.resource}`);

    it("satisfies the policies", async () => {
      assert.deepEqual(await problems(given()), []);
    });

    /** Rule, type of the resource that is broken, and what is changed. */
    const broken: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
      ["resources-tagged", tinyTypes.machine, { tags: {} }],
      ["machines-behind-firewall", tinyTypes.machine, { firewall: "" }],
      ["os-image-pinned", tinyTypes.machine, { image: "flatcar-current" }],
      ["user-data-without-secrets", tinyTypes.machine, { userData: `token=dop_v1_${"0a".repeat(32)}` }],
      ["user-data-size", tinyTypes.machine, { userData: "x".repeat(20_000) }],
      ["encrypted-disks", tinyTypes.volume, { encrypted: false }],
      [
        "no-world-open-access",
        tinyTypes.firewall,
        { open: [{ protocol: "tcp", from: 22, to: 22, networks: ["0.0.0.0/0"] }] },
      ],
    ];
    for (const [rule, type, changes] of broken) {
      it(`is checked by ${rule}`, async () => {
        const resources = given();
        const index = resources.findIndex((resource) => resource.type === type);
        const { name, props } = resources[index]!;
        resources[index] = { ...resources[index]!, props: { ...props, ...changes } };
        assert.deepEqual(await problems(resources), [`${rule} ${name}`]);
      });
    }

    it("is checked by etcd-own-volume and etcd-odd-members", async () => {
      const component: Given = { type: "corekube:etcd:Cluster", name: "etcd" };
      const member: Given = {
        type: tinyTypes.machine,
        name: "member",
        parent: "etcd",
        props: { id: "m", firewall: "f", tags: { KubernetesCluster: "dev" }, image: "flatcar-4593.2.5" },
      };
      assert.deepEqual(await problems([component, member]), ["etcd-own-volume member"]);
      assert.deepEqual(await problems([component]), ["etcd-odd-members etcd"]);
      const volume: Given = {
        type: tinyTypes.volume,
        name: "volume",
        props: { id: "v", tags: { KubernetesCluster: "dev" }, encrypted: true },
      };
      const attachment: Given = {
        type: tinyTypes.attachment,
        name: "attachment",
        props: { machineId: "m", volumeId: "v" },
      };
      assert.deepEqual(await problems([component, member, volume, attachment]), []);
    });
  });
});
