/** What a cluster is like, from its state and its API's answers. Pure. */
import type { Role } from "../components/spec/cluster.js";
import type { Activity } from "./activity.js";
import { certificatesOf } from "./certificates.js";
import { failureOf, outdatedMachines } from "./plans/fromState.js";
import { machinesOf, refOf } from "./plans/topology.js";
import type { StackState } from "./state.js";
import { type RecordedVersions, recordedVersions } from "./versions.js";

/** What the API says of a Node. */
export interface NodeFacts {
  readonly name: string;
  readonly ready: boolean;
  readonly version: string;
}

/** What the API says; a text: why it said nothing. */
export type ApiFacts =
  | {
      readonly nodes: readonly NodeFacts[];
      /** Whether each member answers the API servers, in the order of their names. Undefined: it does not say. */
      readonly members: readonly boolean[] | undefined;
    }
  | string;

/** A machine as the stack's outputs have it. */
export interface MachineFacts {
  readonly name: string;
  readonly public_ipv4?: string;
  readonly private_ipv4?: string;
}

export interface MachineRow {
  readonly name: string;
  readonly role: Role;
  /** `serves`, `failed`, `missing`. */
  readonly state: "serves" | "failed" | "missing";
  /** `Ready`, `NotReady`, `no Node`; of a member `healthy`, `unhealthy`; `unknown`: nobody said. */
  readonly condition: string;
  /** Of its kubelet or of etcd; empty: not known. */
  readonly version: string;
  readonly publicIpv4: string;
  readonly privateIpv4: string;
  /** It runs another configuration than the last run's settings say. */
  readonly outdated: boolean;
}

export interface ClusterStatus {
  readonly healthy: boolean;
  readonly run: string;
  readonly versions: RecordedVersions;
  readonly machines: readonly MachineRow[];
  /** Days until the first leaf certificate ends; undefined without any. */
  readonly certificateDays: number | undefined;
  /** What is wrong, each with what to do. */
  readonly problems: readonly string[];
}

export interface StatusFacts {
  readonly state: StackState;
  readonly activity: Pick<Activity, "active" | "text">;
  readonly machines: readonly MachineFacts[];
  readonly api: ApiFacts;
  readonly now: Date;
  /** Of commands in messages. */
  readonly flags: string;
}

export function statusOf(facts: StatusFacts): ClusterStatus {
  const { state, activity, now, flags } = facts;
  const up = `pulumi up${flags}`;
  const versions = recordedVersions(state);
  const machines = machineRows(facts, versions.etcd);
  const certificates = certificatesOf(state, now);
  const failed = state.resources.flatMap((resource) => {
    const reason = failureOf(resource);
    return reason === undefined ? [] : [`${refOf(resource.urn).name}: ${reason}. Run: ${up}`];
  });
  const gone = state.resources
    .filter(({ pendingReplacement }) => pendingReplacement === true)
    .map(({ urn }) => `${refOf(urn).name}: deleted, and not made again yet. Run: ${up}`);
  const interrupted = state.pending.map(
    ({ resource, type }) =>
      `${refOf(resource.urn).name}: a run was killed while ${type} it. Run: pulumi refresh${flags}`,
  );
  const outdated = machines.filter((machine) => machine.outdated).map(({ name }) => name);
  const due = certificates.filter((certificate) => certificate.due && certificate.role !== "authority");
  const problems = [
    ...(machines.length === 0 ? [`the stack has no machines. Run: ${up}`] : []),
    ...failed,
    ...machines.flatMap(({ name, state: is }) =>
      is === "missing" && !activity.active ? [`${name}: its machine is gone. Run: ${up}`] : [],
    ),
    // While a run is under way, these are its work.
    ...(activity.active ? [] : [...gone, ...interrupted]),
    ...(outdated.length > 0 && !activity.active
      ? [`another configuration than the settings say: ${outdated.join(", ")}. Run: pulumi preview --diff${flags}`]
      : []),
    ...(versions.changingTo !== "" && !activity.active
      ? [`Kubernetes ${versions.changingTo} has not come to all machines. Run: ${up}`]
      : []),
    ...(typeof facts.api === "string" && machines.length > 0 ? [`the API gave no answer: ${facts.api}`] : []),
    ...machines.flatMap((machine) => conditionProblem(machine, activity.active)),
    ...due.map(({ name, daysLeft }) => `certificate ${name}: ${daysLeft ?? "unknown"} days left. Run: ${up}`),
  ];
  const leaves = certificates.flatMap(({ role, daysLeft }) =>
    role === "authority" || daysLeft === undefined ? [] : [daysLeft],
  );
  return {
    healthy: problems.length === 0,
    run: activity.text,
    versions,
    machines,
    certificateDays: leaves.length === 0 ? undefined : Math.min(...leaves),
    problems,
  };
}

function conditionProblem({ name, state, condition }: MachineRow, active: boolean): readonly string[] {
  if (condition === "NotReady") return [`${name}: its Node is not ready. Run: kubectl describe node ${name}`];
  if (condition === "no Node" && state === "serves" && !active)
    return [`${name}: it has no Node. Run: pulumi refresh && pulumi up`];
  if (condition === "unhealthy")
    return [`${name}: the API servers do not reach this member of etcd. See docs/recovery.md`];
  return [];
}

function machineRows({ state, machines: outputs, api }: StatusFacts, etcdVersion: string): readonly MachineRow[] {
  const machines = machinesOf(
    state.resources.map(({ urn }) => refOf(urn)),
    outputs.map(({ name }) => name),
  );
  const outdated = new Set(outdatedMachines(state));
  const answered = typeof api === "string" ? undefined : api;
  const members = machines.filter(({ role }) => role === "etcd").map(({ name }) => name);
  return machines.map(({ name, role }) => {
    const own = state.resources.filter(({ urn, type }) => refOf(urn).name === name && !type.startsWith("tls:"));
    const output = outputs.find((machine) => machine.name === name);
    const node = answered?.nodes.find((each) => each.name === name);
    const healthy = answered?.members?.[members.indexOf(name)];
    const nodeCondition = node === undefined ? "no Node" : node.ready ? "Ready" : "NotReady";
    const memberCondition = healthy === undefined ? "unknown" : healthy ? "healthy" : "unhealthy";
    return {
      name,
      role,
      state: own.some((resource) => failureOf(resource) !== undefined)
        ? "failed"
        : own.some(({ type }) => !type.startsWith("corekube:machine:"))
          ? "serves"
          : "missing",
      condition: answered === undefined ? "unknown" : role === "etcd" ? memberCondition : nodeCondition,
      version: role === "etcd" ? etcdVersion : (node?.version ?? ""),
      publicIpv4: output?.public_ipv4 ?? "",
      privateIpv4: output?.private_ipv4 ?? "",
      outdated: outdated.has(name),
    };
  });
}
