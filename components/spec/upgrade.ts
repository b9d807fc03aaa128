/** Which releases a cluster gets: by its settings, and by what its state says that it has. Pure. */
import type { ChosenReleases } from "./cluster.js";
import { type Problem, set, unset } from "./settings/rule.js";
import { catalogueVersions } from "./versions.js";

/** What a cluster's state says of its releases. */
export interface RecordedReleases {
  /** What the last run began to bring to the machines. Undefined: there is no cluster yet. */
  readonly started?: ChosenReleases;
  /** What all machines had after the last run that came to its end. Undefined: the cluster has never been complete. */
  readonly finished?: ChosenReleases;
  /** The machines' image by the last run, as the cloud's profile has it. Undefined: there is no cluster yet, or no record of its image. */
  readonly image?: string;
}

export interface VersionSettings {
  /** Empty: what the cluster has, or the newest for a new one. */
  readonly kubernetes_version: string;
  /** Empty: none. */
  readonly emulated_version: string;
}

/** Either what to bring to the machines, or why not, with the way on. */
export type Choice = { readonly releases: ChosenReleases } | { readonly problem: Problem };

/** Where a cluster stands, by the minor versions that its machines may have. */
interface Position {
  readonly started: ChosenReleases;
  /** Of the oldest release that nodes may have. */
  readonly low: number;
  /** Of the newest release that controllers may have; more than `low` while a minor version is being changed. */
  readonly high: number;
  /** All controllers with the newer minor emulate the older one, so that this one can be had again. */
  readonly canGoBack: boolean;
  readonly complete: boolean;
}

/** @param versions Of the catalogue, oldest first. */
export function chooseReleases(
  { kubernetes_version: asked, emulated_version: emulated }: VersionSettings,
  recorded: RecordedReleases = {},
  versions: readonly string[] = catalogueVersions,
): Choice {
  const { started } = recorded;
  const version = asked || (started?.kubernetesVersion ?? versions.at(-1)!);
  if (!versions.includes(version)) return { problem: notInCatalogue(version, recorded, versions) };
  if (!started)
    return emulated === ""
      ? { releases: { kubernetesVersion: version, nodeVersion: version } }
      : { problem: noEmulation(emulated, "a new cluster has no version before, which it could keep") };
  const position = positionOf(started, recorded.finished);
  const minors = minorsFrom(position);
  if (!minors.includes(minorNumber(version)))
    return { problem: refusedVersion(version, emulated, position, versionsOf(minors, versions)) };
  if (emulated === "") return { releases: { kubernetesVersion: version, nodeVersion: version } };
  const problem = refusedEmulation(version, emulated, position);
  if (problem) return { problem };
  const nodeVersion = [started, recorded.finished]
    .map((releases) => releases?.nodeVersion)
    .find((node) => node !== undefined && minorNumber(node) === position.low)!;
  if (!versions.includes(nodeVersion)) return { problem: notInCatalogue(nodeVersion, recorded, versions) };
  return { releases: { kubernetesVersion: version, nodeVersion, emulatedVersion: emulated } };
}

/** Such as 36 of "1.36.3". */
export const minorNumber = (version: string): number => Number(version.split(".")[1]);

/** As users write it. */
export const named = (minor: number): string => `1.${minor}`;

const versionsOf = (minors: readonly number[], versions: readonly string[]): readonly string[] =>
  versions.filter((version) => minors.includes(minorNumber(version)));

function positionOf(started: ChosenReleases, finished: ChosenReleases | undefined): Position {
  const states = finished ? [started, finished] : [started];
  const low = Math.min(...states.map(({ nodeVersion }) => minorNumber(nodeVersion)));
  const high = Math.max(...states.map(({ kubernetesVersion }) => minorNumber(kubernetesVersion)));
  const newer = states.filter(({ kubernetesVersion }) => minorNumber(kubernetesVersion) === high);
  return {
    started,
    low,
    high,
    canGoBack: low < high && newer.every(({ emulatedVersion }) => emulatedVersion === named(low)),
    complete: finished !== undefined,
  };
}

/** Minor versions that the control plane may have next. */
function minorsFrom({ low, high, canGoBack, complete }: Position): readonly number[] {
  if (low < high) return canGoBack ? [low, high] : [high];
  return complete ? [high, high + 1] : [high];
}

function refusedVersion(version: string, emulated: string, position: Position, allowed: readonly string[]): Problem {
  const list =
    allowed.length > 0 ? allowed.join(", ") : `a release of ${named(position.high)}, which this checkout does not have`;
  const [reason, fix] = reasonAgainst(minorNumber(version), emulated, position, allowed);
  return { path: "kubernetes_version", got: version, allowed: `${list}; ${reason}`, fix };
}

/** Why the control plane cannot have a minor version next, and what to do. */
function reasonAgainst(
  asked: number,
  emulated: string,
  { started, low, high, canGoBack, complete }: Position,
  allowed: readonly string[],
): readonly [reason: string, fix: string] {
  const set = (version: string): string => `pulumi config set kubernetes_version ${version}`;
  const keep = `${set(started.kubernetesVersion)} && pulumi up`;
  const finish =
    emulated === "" ? keep : `${set(started.kubernetesVersion)} && pulumi config rm emulated_version && pulumi up`;
  const change = `the change from ${named(low)} to ${named(high)}`;
  if (!complete) return ["the cluster's creation has not ended, so its minor version stays", `End it first: ${finish}`];
  if (asked > high && low < high)
    return [`${change} is not finished, and one minor version changes at a time`, `Finish it first: ${finish}`];
  if (asked > high) {
    const next = allowed.findLast((version) => minorNumber(version) > high);
    return [
      "one minor version changes at a time",
      next === undefined
        ? `Use the checkout that has the next one: ${checkoutWith(named(high + 1))}`
        : `Go there in steps, of which this is the next: ${set(next)} && pulumi up`,
    ];
  }
  if (low === high)
    return [
      `all machines have ${named(high)}: a minor version can be taken back only while the control plane emulates the one before (emulated_version)`,
      `Keep it: ${set(started.kubernetesVersion)}. To run ${named(asked)}, create a second cluster with it (pulumi stack init <name>) and move your workloads there`,
    ];
  if (canGoBack) return [`${change} can be taken back, but no further`, `Keep it: ${set(started.kubernetesVersion)}`];
  return [
    `${change} has begun to reach machines without emulation, or is being finished: ${named(low)} may not be able to read what they have written since`,
    `Go on with it: ${finish}`,
  ];
}

/** Undefined: it may be emulated. */
function refusedEmulation(
  version: string,
  emulated: string,
  { low, high, canGoBack, complete }: Position,
): Problem | undefined {
  const minor = minorNumber(version);
  const possible = minor > low && (low === high ? complete : canGoBack);
  if (possible) {
    if (emulated === named(low)) return undefined;
    return {
      path: "emulated_version",
      got: emulated,
      allowed: `${named(low)}, the minor version before that of kubernetes_version ${version}, which the nodes keep`,
      fix: set("emulated_version", named(low)),
    };
  }
  if (minor < high)
    return noEmulation(emulated, `kubernetes_version ${version} takes the change back, and then nothing is emulated`);
  return noEmulation(
    emulated,
    low === high
      ? `the cluster has ${named(high)} on all machines, and what is finished cannot be emulated again`
      : `the change to ${named(high)} goes on without emulation, or is being finished`,
  );
}

const noEmulation = (got: string, reason: string): Problem => ({
  path: "emulated_version",
  got,
  allowed: `no value; ${reason}`,
  fix: unset("emulated_version"),
});

function notInCatalogue(version: string, recorded: RecordedReleases, versions: readonly string[]): Problem {
  const { started, finished } = recorded;
  const had = [started, finished].flatMap((each) => (each ? [each.kubernetesVersion, each.nodeVersion] : []));
  const path = "kubernetes_version";
  const allowed = `${versions.join(", ")}: the releases of this checkout (versions/)`;
  if (!had.includes(version)) return { path, got: version, allowed, fix: set(path, versions.at(-1)!) };
  return {
    path,
    got: version,
    allowed: `${allowed}; the cluster has ${version}, of which this checkout has no checksums`,
    fix: `Use the checkout that has it: ${checkoutWith(version)}`,
  };
}

/** Command for the newest commit, of any branch, whose catalogue has a release of the version: "1.36.3", or any of "1.36". */
function checkoutWith(version: string): string {
  const files = `'versions/${version}${version.split(".").length === 2 ? ".*" : ""}.json'`;
  return `git checkout "$(git grep -l kubernetes $(git rev-list --all -- versions) -- ${files} | head -n 1 | cut -d : -f 1)" && npm ci`;
}
