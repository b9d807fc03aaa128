/** Where a plan stands by the state alone, for whoever started the run. Pure. */
import { resourceTypes } from "../../components/contract/resources.js";
import type { StackState, StateResource } from "../state.js";
import type { PlanName } from "./names.js";
import type { ResourceProgress } from "./plan.js";
import { refOf } from "./topology.js";

/** Type of a resource that makes a machine serve, to the output that it has only when the machine does. */
const proofs: Readonly<Record<string, string>> = {
  [resourceTypes.delivery]: "digest",
  [resourceTypes.join]: "nodeName",
};

const verbs: Readonly<Record<string, string>> = {
  creating: "being created",
  updating: "being changed",
  deleting: "being deleted",
  reading: "being read",
  importing: "being imported",
};

/** Digest of what machines of a role are to run, by the name of its configuration: `<cluster>-<role>`. */
function wantedConfigurations({ resources }: StackState): ReadonlyMap<string, unknown> {
  return new Map(
    resources
      .filter(({ type }) => type === resourceTypes.configuration)
      .map(({ urn, inputs }) => [refOf(urn).name, inputs?.["digest"]]),
  );
}

/** Machines that run another configuration than the last run's program said. */
export function outdatedMachines(state: StackState): readonly string[] {
  const wanted = wantedConfigurations(state);
  return state.resources.flatMap((resource) => {
    if (proofs[resource.type] === undefined) return [];
    const { name } = refOf(resource.urn);
    const digest = wanted.get(name.slice(0, name.lastIndexOf("-")));
    const runs = resource.outputs?.["configuration"];
    return digest !== undefined && runs !== undefined && runs !== digest ? [name] : [];
  });
}

export interface RunNow {
  /** A run is under way. False: what the state has as begun was interrupted. */
  readonly active: boolean;
  /** When it began: what was changed since then was changed by it. Undefined: not known. */
  readonly since?: Date | undefined;
}

/** What became of each resource. */
export function progressOf(plan: PlanName, state: StackState, { active, since }: RunNow): readonly ResourceProgress[] {
  const outdated = new Set(outdatedMachines(state));
  const pending = new Map(state.pending.map(({ resource, type }) => [resource.urn, type]));
  const known = state.resources.map((resource): ResourceProgress => {
    const ref = refOf(resource.urn);
    const operation = pending.get(resource.urn);
    if (operation !== undefined) return { ref, ...begun(operation, active) };
    if (plan === "uninstall") return { ref, progress: "pending" };
    const failure = failureOf(resource);
    if (failure !== undefined) return { ref, progress: "failed", detail: failure };
    if (resource.pendingReplacement === true)
      return active
        ? { ref, progress: "started", detail: "being replaced" }
        : { ref, progress: "pending", detail: "deleted, not made again yet" };
    if (proofs[resource.type] !== undefined && outdated.has(ref.name))
      return { ref, progress: "pending", detail: "its configuration differs" };
    const changed = since !== undefined && resource.modified !== undefined && new Date(resource.modified) >= since;
    return { ref, progress: changed || plan === "deploy" || plan === "recovery" ? "done" : "unchanged" };
  });
  // What is being created is not among the resources yet.
  const there = new Set(state.resources.map(({ urn }) => urn));
  const others = [...pending]
    .filter(([urn]) => !there.has(urn))
    .map(([urn, operation]): ResourceProgress => ({ ref: refOf(urn), ...begun(operation, active) }));
  return [...known, ...others];
}

const begun = (operation: string, active: boolean): Omit<ResourceProgress, "ref"> =>
  active
    ? { progress: "started", detail: verbs[operation] ?? operation }
    : { progress: "failed", detail: `interrupted while ${verbs[operation] ?? operation}` };

/** Why a resource that exists does not serve. */
export function failureOf(resource: StateResource): string | undefined {
  const [reason] = resource.initErrors ?? [];
  if (reason !== undefined) return reason.trim().split("\n")[0]!;
  const proof = proofs[resource.type];
  if (proof === undefined || resource.outputs === undefined) return undefined;
  const value = resource.outputs[proof];
  return value === undefined || value === "" ? "it did not come to serve" : undefined;
}
