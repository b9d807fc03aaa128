/** Which versions a cluster runs, and which this checkout has. Pure. */
import { clouds } from "../components/clouds.js";
import { resourceTypes } from "../components/contract/resources.js";
import type { ChosenReleases, ClusterSpec } from "../components/spec/cluster.js";
import type { RecordedReleases } from "../components/spec/upgrade.js";
import { catalogue } from "../components/spec/versions.js";
import { isWorkload, refOf } from "./plans/topology.js";
import type { StackState } from "./state.js";

export interface ReleaseVersions {
  readonly kubernetes: string;
  readonly etcd: string;
}

/** The releases of this checkout, the newest first. The only place here that knows how they are written down. */
export const checkoutReleases = (): readonly ReleaseVersions[] =>
  Object.values(catalogue)
    .map(({ kubernetes, etcd }) => ({ kubernetes, etcd }))
    .reverse();

/** The image of this checkout for the cluster's cloud; empty: the state does not say which that is. */
export function checkoutImage({ resources }: StackState): string {
  const settings = resources.find(({ type }) => type === resourceTypes.immutableSettings)?.inputs;
  return clouds.find(({ name }) => name === settings?.["cloud"])?.profile.image ?? "";
}

/** Versions as the state has recorded them; empty: not known. */
export interface RecordedVersions {
  /** Of the control plane. */
  readonly kubernetes: string;
  /** Of nodes; another one only while the control plane emulates it. */
  readonly nodes: string;
  /** The minor version that the control plane behaves like; empty: its own. */
  readonly emulated: string;
  readonly etcd: string;
  /** What a run has begun to bring to the machines, and not all of them have; empty: nothing. */
  readonly changingTo: string;
}

/** `started` is recorded before a run changes the first machine, `finished` when all have it. */
const recordOf = (
  { resources }: StackState,
  name: "started" | "finished",
): Partial<ChosenReleases & Pick<ClusterSpec, "image">> =>
  resources.find(({ urn, type }) => type === resourceTypes.releases && refOf(urn).name === name)?.outputs ?? {};

/** Both records, where they are complete. */
export function recordedReleases(state: StackState): RecordedReleases {
  const complete = (record: Partial<ChosenReleases>): ChosenReleases | undefined =>
    record.kubernetesVersion === undefined || record.nodeVersion === undefined ? undefined : (record as ChosenReleases);
  return { started: complete(recordOf(state, "started")), finished: complete(recordOf(state, "finished")) };
}

export function recordedVersions(state: StackState): RecordedVersions {
  const [started, finished] = [recordOf(state, "started"), recordOf(state, "finished")];
  const has = finished.kubernetesVersion === undefined ? started : finished;
  const same = (["kubernetesVersion", "nodeVersion", "emulatedVersion"] as const).every(
    (key) => started[key] === finished[key],
  );
  const nodes = has.nodeVersion ?? "";
  return {
    kubernetes: has.kubernetesVersion ?? "",
    nodes,
    emulated: has.emulatedVersion ?? "",
    etcd: catalogue[nodes]?.etcd ?? "",
    changingTo: same ? "" : (started.kubernetesVersion ?? ""),
  };
}

export interface RunningVersions extends RecordedVersions {
  /** Of the machines, by the last run; empty: not known. */
  readonly image: string;
  /** Image of each add-on's containers, with its tag, by the add-on's name. */
  readonly addons: Readonly<Record<string, readonly string[]>>;
}

interface Workload {
  readonly metadata?: { readonly name?: string };
  readonly spec?: {
    readonly template?: { readonly spec?: { readonly containers?: readonly { readonly image?: unknown }[] } };
  };
}

export function runningVersions(state: StackState): RunningVersions {
  const addons = state.resources
    .filter(({ urn }) => isWorkload(refOf(urn)))
    .map((resource): [string, readonly string[]] => {
      const { metadata, spec } = (resource.inputs ?? {}) as Workload;
      const images =
        spec?.template?.spec?.containers?.flatMap(({ image }) => (typeof image === "string" ? [image] : [])) ?? [];
      return [
        metadata?.name ?? refOf(resource.urn).name,
        [...new Set(images.map((image) => image.replace(/@sha256:.*/, "")))],
      ];
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const { image = "" } = recordOf(state, "started");
  return { ...recordedVersions(state), image, addons: Object.fromEntries(addons) };
}
