/**
 * Which releases a cluster has, in its state: what a run has begun to bring to the machines, and what all of them have. And the image
 * that machines are made of, which a newer checkout leaves as it is.
 *
 * The names of the two resources are the same in every stack, as that of the settings which are decided once.
 */
import * as pulumi from "@pulumi/pulumi";
import type { RecordedState } from "../cloud/recordedState.js";
import { resourceTypes } from "../contract/resources.js";
import type { ReachedMachine } from "../machine/pool.js";
import type { ChosenReleases, ClusterSpec, Role } from "../spec/cluster.js";
import type { RecordedReleases } from "../spec/upgrade.js";

const names = { started: "started", finished: "finished" } as const;

/** What earlier runs have recorded. */
export function recordedReleases(state: RecordedState): RecordedReleases {
  const recorded = state.of(resourceTypes.releases);
  const releasesOf = (name: string): ChosenReleases | undefined => {
    const { kubernetesVersion, nodeVersion, emulatedVersion } = recorded.get(name) ?? {};
    if (typeof kubernetesVersion !== "string" || typeof nodeVersion !== "string") return undefined;
    return {
      kubernetesVersion,
      nodeVersion,
      ...(typeof emulatedVersion === "string" ? { emulatedVersion } : {}),
    };
  };
  const image = recorded.get(names.started)?.["image"];
  return {
    started: releasesOf(names.started),
    finished: releasesOf(names.finished),
    ...(typeof image === "string" ? { image } : {}),
  };
}

type Begun = ChosenReleases & Pick<ClusterSpec, "image">;

class Releases extends pulumi.CustomResource {
  declare readonly kubernetesVersion: pulumi.Output<string>;
  declare readonly nodeVersion: pulumi.Output<string>;
  declare readonly emulatedVersion: pulumi.Output<string | undefined>;

  constructor(
    name: string,
    values: { readonly [Name in keyof ChosenReleases]: pulumi.Input<string | undefined> } & { readonly image?: string },
    opts?: pulumi.CustomResourceOptions,
  ) {
    const { kubernetesVersion, nodeVersion, emulatedVersion, image } = values;
    super(resourceTypes.releases, name, { kubernetesVersion, nodeVersion, emulatedVersion, image }, opts);
  }
}

/** What this run begins to bring to the machines. It is in the state before the first of them changes. */
export class StartedReleases extends Releases {
  readonly #releases: ChosenReleases;

  constructor(releases: Begun, opts?: pulumi.CustomResourceOptions) {
    super(names.started, releases, opts);
    this.#releases = releases;
  }

  /**
   * Resolves when it is recorded; nothing that changes machines is registered before.
   * @throws pulumi.RunError when the run leaves it out, and would change machines without a record of it.
   */
  async recorded(): Promise<void> {
    const { kubernetesVersion, nodeVersion, emulatedVersion } = this;
    const [version, node, emulated] = await Promise.all([kubernetesVersion, nodeVersion, emulatedVersion].map(valueOf));
    // Not known: a first run that leaves it out, and with it all machines, which depend on it.
    if (version === undefined) return;
    const wanted = this.#releases;
    if (version === wanted.kubernetesVersion && node === wanted.nodeVersion && emulated === wanted.emulatedVersion)
      return;
    throw new pulumi.RunError(
      `corekube:kubernetes_version: got "${wanted.kubernetesVersion}"; this run has targets or exclusions, so it cannot record that the cluster changes from ${version}. ` +
        "No machine was changed. Change the version in a run of the whole stack: pulumi up",
    );
  }
}

/** What all machines have: recorded when the last one has it. Until then it stays what it was. */
export class FinishedReleases extends Releases {
  /**
   * @param current What machines of each role are to run.
   * @param opts Add-ons come with a release too: what they are, it waits for.
   */
  constructor(
    wanted: ChosenReleases,
    before: ChosenReleases | undefined,
    machines: readonly ReachedMachine[],
    current: Readonly<Record<Role, { readonly digest: string }>>,
    opts?: pulumi.CustomResourceOptions,
  ) {
    // Without the machines as dependencies: in the state they would be listed three times, a thousand of them.
    const values = areUpToDate(machines, current).then((all) => (all === undefined ? unknown : all ? wanted : before));
    const value = (name: keyof ChosenReleases) => pulumi.output(values.then((releases) => releases?.[name]));
    super(
      names.finished,
      {
        kubernetesVersion: value("kubernetesVersion"),
        nodeVersion: value("nodeVersion"),
        emulatedVersion: value("emulatedVersion"),
      },
      opts,
    );
  }
}

const notKnown = pulumi.unknown as unknown as string;
const unknown: ChosenReleases = { kubernetesVersion: notKnown, nodeVersion: notKnown, emulatedVersion: notKnown };

/** Undefined: a preview of machines that are new. A machine that failed, or was left out, is not up to date. */
async function areUpToDate(
  machines: readonly ReachedMachine[],
  current: Readonly<Record<Role, { readonly digest: string }>>,
): Promise<boolean | undefined> {
  try {
    const digests = await Promise.all(machines.map(({ configuration }) => valueOf(configuration)));
    if (pulumi.runtime.isDryRun() && digests.includes(undefined)) return undefined;
    return machines.every(({ machine }, index) => digests[index] === current[machine.role].digest);
  } catch {
    return false;
  }
}

/** Undefined: not known, as in a preview, or because the run leaves its resource out. */
async function valueOf<Value>(output: pulumi.Output<Value>): Promise<Value | undefined> {
  const { isKnown } = output as unknown as { readonly isKnown: Promise<boolean> };
  return (await isKnown) ? new Promise((resolve) => output.apply(resolve as (value: Value) => void)) : undefined;
}
