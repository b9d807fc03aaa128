/** Deletes what a cluster stands on, in the cloud and not through Pulumi, and brings it back as docs/recovery.md says. */
import assert from "node:assert/strict";
import { labCloud } from "../../../lab/cluster/cloud.js";
import { CheckContext } from "../../../lab/cluster/context.js";
import { readOutputs, writeKubeconfig } from "../../../lab/engine/outputs.js";
import { runEngine } from "../../../lab/engine/run.js";
import { runChecks } from "../../../lab/checks/index.js";
import type { ResourceKind } from "../../../lab/clouds/cloud.js";
import { setAddressMode, type AddressMode } from "../../../lab/addressMode.js";
import { deploy } from "../../../lab/commands/up.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { until } from "../../../lab/process/until.js";
import { untilWhole } from "../faults/recovery.js";

/** Seconds from the end of `pulumi up` until all is healthy: pods that ran on a lost machine move. */
const settling = 120;
const canary = { name: "corekube-canary", namespace: "default" };

/**
 * The cluster of the suite that calls this: made before its tests, destroyed after them.
 * @param settings Replace those of the stack's file.
 */
export function recoveryOf(
  stack: string,
  {
    cloud,
    addresses,
    settings,
  }: { cloud: string; addresses: AddressMode; settings: Readonly<Record<string, unknown>> },
): Recovery {
  const recovery = new Recovery(stack);
  before(async () => {
    await openRegion(cloud);
    setAddressMode(config, addresses);
    await deploy(config, stack, progress, settings);
    await recovery.plant();
  });
  after(async () => {
    const result = await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    const left = await closeRegion();
    assert.equal(result.code, 0, result.failure);
    assert.deepEqual(left, []);
  });
  return recovery;
}

class Recovery {
  constructor(private readonly stack: string) {}

  async context(): Promise<CheckContext> {
    return new CheckContext(config, this.stack, await writeKubeconfig(config, this.stack), progress);
  }

  /** Writes an object that must outlive everything. */
  async plant(): Promise<void> {
    await (
      await this.context()
    ).apply({ apiVersion: "v1", kind: "ConfigMap", metadata: canary, data: { written: "before" } });
  }

  /** Deletes machines, volumes and the like by their names in the cloud. */
  async remove(kind: ResourceKind, ...names: readonly string[]): Promise<void> {
    const cloud = labCloud(config);
    const found = (await cloud.list(kind)).filter(({ name }) => names.includes(name));
    assert.deepEqual(found.map(({ name }) => name).sort(), [...names].sort(), `${kind} in the cloud`);
    // A volume is attached until its machine is gone, which takes the cloud a moment.
    for (const { id, name } of found)
      await until(`${name} to be deleted`, { timeout: 60_000 }, () => cloud.remove(kind, id));
    // On a busy machine it is listed for seconds more, and a refresh would still find it.
    await until(`${names.join(" and ")} to be gone`, { timeout: 60_000 }, async () => {
      const left = (await cloud.list(kind)).filter(({ id }) => found.some((gone) => gone.id === id));
      assert.deepEqual(left, []);
    });
  }

  /** ID of each machine of the stack's outputs by its name. */
  async ids(): Promise<ReadonlyMap<string, string>> {
    return new Map((await readOutputs(config, this.stack)).machines.map(({ name, id }) => [name, id]));
  }

  /**
   * `pulumi refresh`, whose errors about Kubernetes' objects do not matter, then `pulumi up`.
   * @returns seconds of both, until all is healthy.
   * @throws AssertionError when `up` fails, when a check fails, or when what was written before is gone.
   */
  async heal(): Promise<number> {
    const began = Date.now();
    await runEngine(config, this.stack, ["refresh", "--yes", "--skip-preview"], progress);
    const { code, failure } = await runEngine(config, this.stack, ["up", "--yes", "--skip-preview"], progress);
    assert.equal(code, 0, failure);
    const context = await this.context();
    await untilWhole(context, settling);
    const seconds = Math.round((Date.now() - began) / 1000);
    assert.equal(
      await context.kubectlValue("{.data.written}", "configmap", canary.name, "-n", canary.namespace),
      "before",
    );
    const failed = (await runChecks(config, this.stack, context.outputs, "always", progress)).filter(
      (result) => result.failure !== undefined,
    );
    assert.deepEqual(failed, []);
    process.stdout.write(`      healthy after ${seconds} s\n`);
    return seconds;
  }
}
