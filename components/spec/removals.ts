/** What a run says about versions of the API that clients use and the next release does not serve. Pure. */
import type { ChosenReleases } from "./cluster.js";
import type { Problem } from "./settings/rule.js";
import { minorNumber, named, type RecordedReleases } from "./upgrade.js";

/** That a run leads to another minor version of the API. */
export interface Removals {
  /** The number of the minor version, such as 37. */
  readonly minor: number;
  /** This run ends what it removes; otherwise the control plane emulates the version before for now. */
  readonly now: boolean;
}

/** What API servers have counted. */
export interface UsedApis {
  readonly requested: readonly {
    readonly api: string;
    readonly removedIn: string;
    readonly clients: readonly string[];
  }[];
  /** Since when, in ISO 8601. Undefined: no API server was asked with success. */
  readonly since?: string | undefined;
  /** Why a controller could not be asked, by its name. */
  readonly unanswered: Readonly<Record<string, string>>;
}

/**
 * Undefined: nothing is removed. A run that goes on with a change is not asked again: what it has begun must end, and API servers that have
 * changed do not serve the old versions any more.
 */
export function removalsOf(chosen: ChosenReleases, { started }: RecordedReleases): Removals | undefined {
  if (!started) return undefined;
  const serves = ({ emulatedVersion, kubernetesVersion }: ChosenReleases): number =>
    minorNumber(emulatedVersion ?? kubernetesVersion);
  if (serves(chosen) > serves(started)) return { minor: serves(chosen), now: true };
  const minor = minorNumber(chosen.kubernetesVersion);
  return minor > minorNumber(started.kubernetesVersion) ? { minor, now: false } : undefined;
}

const described = ({ api, removedIn, clients }: UsedApis["requested"][number]): string =>
  `${api} (removed in ${removedIn}; asked for by ${clients.length === 0 ? "whom no audit log says" : clients.join(", ")})`;

/** Undefined: the run may begin. */
export function refusedRemovals(
  {
    kubernetesVersion,
    acceptRemovedApis,
  }: Pick<ChosenReleases, "kubernetesVersion"> & {
    readonly acceptRemovedApis: string;
  },
  { minor, now }: Removals,
  { requested }: UsedApis,
): Problem | undefined {
  if (!now || requested.length === 0 || acceptRemovedApis === named(minor)) return undefined;
  return {
    path: "kubernetes_version",
    got: kubernetesVersion,
    allowed: `a release before ${named(minor)} while clients use what ${named(minor)} does not serve: ${requested.map(described).join("; ")}`,
    fix:
      "Change these clients to a version that stays (kubectl api-versions). API servers count until they start again, so what was changed stays in the list. " +
      `To go on: pulumi config set accept_removed_apis ${named(minor)} && pulumi up`,
  };
}

/** What to read where the run is not refused. */
export function remarksOnRemovals(
  { minor, now }: Removals,
  { requested, since, unanswered }: UsedApis,
): readonly string[] {
  const unknown = Object.entries(unanswered).map(
    ([machine, reason]) =>
      `${machine}: whether clients use what Kubernetes ${named(minor)} removes from the API is not known: ${reason}`,
  );
  if (requested.length === 0) return unknown;
  const list = requested.map(described).join("; ");
  const counted = since === undefined ? "" : ` Counted since ${since}.`;
  return [
    now
      ? `From this run on, requests of clients fail for: ${list}.${counted}`
      : `Clients use what Kubernetes ${named(minor)} does not serve: ${list}.${counted} It is served while emulated_version is set; finishing the change will be refused until they have changed.`,
    ...unknown,
  ];
}
