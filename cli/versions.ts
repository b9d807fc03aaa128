/** Which versions a cluster runs, and which this checkout has. Pure. */
import { versions } from "../components/spec/versions.js";
import { isWorkload, refOf } from "./plans/topology.js";
import { recordedVersions } from "./status.js";
import type { StackState } from "./state.js";

export interface ReleaseVersions {
  readonly kubernetes: string;
  readonly etcd: string;
}

/** The releases of this checkout, the newest first. The only place that knows how they are written down. */
export const checkoutReleases = (): readonly ReleaseVersions[] => [
  { kubernetes: versions.kubernetes, etcd: versions.etcd },
];

export interface RunningVersions {
  /** Recorded in the state; empty: not known. */
  readonly kubernetes: string;
  readonly etcd: string;
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
  return { ...recordedVersions(state), addons: Object.fromEntries(addons) };
}
