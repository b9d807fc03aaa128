/** Clusters for the tests of add-ons: one with certain settings in a region of its own, and objects that are used as a person would. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { newestVersion } from "../../../components/spec/versions.js";
import { CheckContext } from "../../../lab/cluster/context.js";
import { deploy } from "../../../lab/commands/up.js";
import { projectDirectory } from "../../../lab/config.js";
import { readOutputs, writeKubeconfig } from "../../../lab/engine/outputs.js";
import { runEngine } from "../../../lab/engine/run.js";
import { Upgrades } from "../support/upgrade.js";
import { closeRegion, config, openRegion, progress } from "../region.js";

export interface TestCluster {
  /** kubectl and the machines, as they are now. */
  context(): Promise<CheckContext>;
  /** Changes of settings, and runs of `pulumi up`. */
  readonly changes: Upgrades;
}

interface Wanted {
  /** A `Pulumi.<stack>.yaml` of the project. @default dev */
  readonly stack?: string;
  /** @default digitalocean */
  readonly cloud?: string;
  /** Replace those of the stack's file, by name: `{ node_count: 1, addons: { coredns: { replicas: 1 } } }`. @default none */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Whose images the mirror has, by their blocks of settings: a test turns them on later. @default those that `settings` turn on */
  readonly addons?: readonly string[];
  /** Examples whose images no other region has, by their folders. @default none */
  readonly examples?: readonly string[];
}

/**
 * Call it in a `describe`: the cluster is made before its tests, and destroyed with its region after them, which must leave nothing on
 * this machine. `COREKUBE_TEST_LAB` selects another region than `test`.
 */
export function withCluster({
  stack = "dev",
  cloud = "digitalocean",
  settings = {},
  examples = [],
  ...wanted
}: Wanted = {}): TestCluster {
  let [opened, booted] = [false, false];
  const blocks = (settings["addons"] ?? {}) as Readonly<Record<string, { readonly enabled?: boolean }>>;
  const addons = wanted.addons ?? Object.keys(blocks).filter((name) => blocks[name]?.enabled === true);
  before("a cluster", async function () {
    // The first time, the programs of add-ons are built.
    this.timeout(2_400_000);
    await openRegion(cloud, [newestVersion], [...addons, ...examples]);
    opened = true;
    const keys = Object.entries(settings).map(([name, value]) => [`corekube:${name}`, value] as const);
    await deploy(config, stack, progress, Object.fromEntries(keys));
    await writeKubeconfig(config, stack);
    booted = true;
  });
  after("nothing is left of it", async function () {
    this.timeout(600_000);
    if (booted) await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    if (opened) assert.deepEqual(await closeRegion(), []);
  });
  return {
    context: async () => new CheckContext(config, stack, await readOutputs(config, stack), progress),
    changes: new Upgrades(config, stack, progress),
  };
}

/** The objects of a file below `examples/`, as the tests change them before they apply them. */
export function example(file: string): object[] {
  const text = readFileSync(join(projectDirectory, "examples", file), "utf8");
  return parseAllDocuments(text).map((document) => document.toJS() as object);
}
