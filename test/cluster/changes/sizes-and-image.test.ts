/**
 * What replaces machines of a running cluster: their sizes and their image. On every stack of the lab, and where the cloud gives a freed
 * address out later as well as at once: one `pulumi up` each, after which the cluster is healthy.
 */
import assert from "node:assert/strict";
import { setAddressMode, type AddressMode } from "../../../lab/addressMode.js";
import { runChecks } from "../../../lab/checks/index.js";
import { labCloud } from "../../../lab/cluster/cloud.js";
import { CheckContext, type Level } from "../../../lab/cluster/context.js";
import { deploy } from "../../../lab/commands/up.js";
import { isBastion, readOutputs, writeKubeconfig, type Machine } from "../../../lab/engine/outputs.js";
import { runEngine } from "../../../lab/engine/run.js";
import { pulumi } from "../../../lab/engine/stack.js";
import { versions } from "../../../lab/toolchain/versions.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { podsOf, startBudgeted, watchAvailable } from "../support/scale.js";

const replicas = 3;

interface Change {
  readonly setting: string;
  readonly value: string;
  readonly replaces: readonly Machine["role"][];
}

const sizes = (controller: string, etcd: string, worker: string): readonly Change[] => [
  { setting: "controller_size", value: controller, replaces: ["controller"] },
  { setting: "etcd_size", value: etcd, replaces: ["etcd"] },
  { setting: "node_size", value: worker, replaces: ["worker"] },
];

const everyRole = ["etcd", "controller", "worker", "public"] as const;
const release = versions.flatcar.version;
const digitalocean: readonly Change[] = [
  ...sizes("s-4vcpu-8gb", "s-2vcpu-2gb", "s-8vcpu-16gb"),
  {
    setting: "image",
    value: `https://beta.release.flatcar-linux.net/amd64-usr/${release}/flatcar_production_digitalocean_image.bin.bz2`,
    replaces: everyRole,
  },
];
const aws: readonly Change[] = [
  ...sizes("m6i.xlarge", "t3.medium", "m6i.xlarge"),
  { setting: "image", value: `Flatcar-beta-${release}-hvm`, replaces: everyRole },
];
const endpoints = { ec2: config.apiUrl, elasticloadbalancing: config.apiUrl };

/** Clusters to change; `settings` replace those of the stack's file. */
const clusters: readonly {
  readonly name: string;
  readonly stack: string;
  readonly cloud: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly changes: readonly Change[];
}[] = [
  { name: "dev", stack: "dev", cloud: "digitalocean", changes: digitalocean },
  { name: "ha", stack: "ha", cloud: "digitalocean", changes: digitalocean },
  { name: "lab-aws", stack: "lab-aws", cloud: "aws", changes: aws },
  {
    name: "private machines on AWS",
    stack: "lab-aws",
    cloud: "aws",
    settings: {
      "corekube:high_availability": false,
      "corekube:etcd": { count: 3 },
      "corekube:aws": { endpoints, machines: "private" },
    },
    changes: aws,
  },
];

for (const mode of ["later", "at-once"] as const satisfies readonly AddressMode[])
  for (const { name, stack, cloud, settings, changes } of clusters)
    describe(`${name}, freed addresses given out ${mode}`, function () {
      this.timeout(1_800_000);
      // What fails leaves a cluster that the other changes cannot be judged by.
      let healthy = false;

      const context = async (): Promise<CheckContext> =>
        new CheckContext(config, stack, await writeKubeconfig(config, stack), progress);
      const failedChecks = async (level: Level): Promise<string[]> =>
        (await runChecks(config, stack, await writeKubeconfig(config, stack), level, progress)).flatMap(
          ({ name: check, failure }) => (failure === undefined ? [] : [`${check}: ${failure}`]),
        );
      const bastionAddress = async (): Promise<string | undefined> =>
        (await labCloud(config).machines()).find((machine) => isBastion(machine.name))?.publicAddress;

      before(async () => {
        await openRegion(cloud);
        setAddressMode(config, mode);
        await deploy(config, stack, progress, settings);
        await startBudgeted(await context(), replicas);
        healthy = true;
      });
      after(async () => {
        const result = await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
        const left = await closeRegion();
        assert.equal(result.code, 0, result.failure);
        assert.deepEqual(left, []);
      });

      for (const [index, { setting, value, replaces }] of changes.entries())
        it(`${setting}: one up replaces ${replaces.length > 1 ? "every machine" : `each ${replaces[0]}`}`, async () => {
          assert.ok(healthy, "the cluster was not healthy before, see the test before");
          healthy = false;
          const earlier = await readOutputs(config, stack);
          const [pods, bastion] = [await podsOf(await context()), await bastionAddress()];
          const available = watchAvailable(await context());
          await pulumi(config, ["config", "set", `corekube:${setting}`, value, "--stack", stack], { stack });
          const result = await runEngine(config, stack, ["up", "--yes", "--skip-preview"], progress);
          const lowest = await available.stop();
          assert.equal(result.code, 0, result.failure);

          const { machines } = await readOutputs(config, stack);
          assert.equal(machines.length, earlier.machines.length);
          for (const machine of machines)
            assert.equal(
              machine.id !== earlier.machines.find((each) => each.name === machine.name)?.id,
              replaces.includes(machine.role),
              `${machine.name}: ${replaces.includes(machine.role) ? "was not replaced" : "was replaced"}`,
            );
          assert.equal(await bastionAddress(), bastion, "the bastion keeps its address");
          const last = index === changes.length - 1;
          assert.deepEqual(await failedChecks(last ? "full" : "boot"), []);
          if (!replaces.includes("worker"))
            assert.deepEqual(await podsOf(await context()), pods, "pods of workers that stay are the same");
          assert.ok(
            lowest >= replicas - 1,
            `${lowest} of ${replicas} pods were available, the budget asks for ${replicas - 1}`,
          );
          healthy = true;
        });
    });
