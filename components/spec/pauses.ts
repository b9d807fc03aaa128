/** What is away while a cluster gets another release, because nothing takes over for it. Pure. */
import type { ChosenReleases } from "./cluster.js";
import type { RecordedReleases } from "./upgrade.js";
import { catalogue } from "./versions.js";

interface Machines {
  readonly etcd: { readonly count: number };
  readonly controllers: { readonly count: number };
}

/** One sentence for each, to be read before the run. */
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
