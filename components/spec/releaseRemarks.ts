/** What to read before a run about the releases of a cluster: what is there, and what is away meanwhile. Pure. */
import type { ChosenReleases } from "./cluster.js";
import { minorNumber, named, type RecordedReleases } from "./upgrade.js";
import { catalogue, catalogueVersions, removedIn } from "./versions.js";

interface Machines {
  readonly etcd: { readonly count: number };
  readonly controllers: { readonly count: number };
}

/** What is away because nothing takes over for it, a sentence for each. */
export function pausesOf(
  chosen: ChosenReleases,
  { started, finished }: RecordedReleases,
  { etcd, controllers }: Machines,
): readonly string[] {
  const before = [started, finished].filter((releases) => releases !== undefined);
  const differs = (of: (releases: ChosenReleases) => string | undefined): boolean =>
    before.some((releases) => of(releases) !== of(chosen));
  const pauses: string[] = [];
  if (etcd.count === 1 && differs(({ nodeVersion }) => catalogue[nodeVersion]?.etcd))
    pauses.push("The only member of etcd restarts with another release: for some seconds the API answers no request.");
  if (
    controllers.count === 1 &&
    differs(({ kubernetesVersion, nodeVersion, emulatedVersion }) =>
      [kubernetesVersion, nodeVersion, emulatedVersion].join(),
    )
  )
    pauses.push("The only controller restarts with another release: there is no API for up to a minute. Pods go on.");
  return pauses;
}

/** What to know of a cluster's releases at a run: how an emulation ends, what a newer checkout offers, and what the API does not serve any more. */
export function remarksOn(
  chosen: ChosenReleases,
  { started }: RecordedReleases,
  versions: readonly string[] = catalogueVersions,
  removed: (version: string) => readonly string[] | undefined = removedIn,
): readonly string[] {
  if (!started) return [];
  const { kubernetesVersion, nodeVersion, emulatedVersion } = chosen;
  const minor = minorNumber(kubernetesVersion);
  const remarks: string[] = [];
  const gone = minor > minorNumber(started.kubernetesVersion) ? (removed(kubernetesVersion) ?? []) : [];
  if (gone.length > 0)
    remarks.push(
      `Kubernetes ${named(minor)} does not serve any more: ${gone.join(", ")}. Manifests that have them must change too, also those that nothing uses now.`,
    );
  if (emulatedVersion !== undefined)
    remarks.push(
      `The control plane gets Kubernetes ${kubernetesVersion} and behaves like ${emulatedVersion}; everything else keeps ${nodeVersion}. ` +
        "To finish the change, which cannot be taken back then: pulumi config rm emulated_version && pulumi up. " +
        `To take it back: pulumi config set kubernetes_version ${nodeVersion} && pulumi config rm emulated_version && pulumi up.`,
    );
  const newest = versions.findLast((version) => minorNumber(version) <= minor + 1)!;
  if (emulatedVersion === undefined && kubernetesVersion === started.kubernetesVersion && newest !== kubernetesVersion)
    remarks.push(
      `The cluster keeps Kubernetes ${kubernetesVersion}. This checkout has ${newest}: pulumi config set kubernetes_version ${newest} && pulumi up.`,
    );
  return remarks;
}
