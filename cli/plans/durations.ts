/**
 * How long a run takes, from what one machine took in the lab. Pure.
 *
 * Source: `docs/benchmarks.md`, "How long a machine takes", which is generated from the table below.
 */
import { resourceTypes } from "../../components/contract/resources.js";
import { minorOf } from "../../components/contract/versionNumbers.js";
import type { EngineEvent, StepMetadata } from "../../engine/events.js";
import type { Phase, Plan, Step } from "./names.js";
import { refOf } from "./topology.js";

/** What happens to a machine. */
export type Kind = "made" | "renewed" | "changed" | "upgraded" | "replaced" | "removed";

type Measured = "etcd" | "controller" | "worker";

/** Seconds. */
export interface Figure {
  readonly median: number;
  /** 95 of 100 machines took at most this. */
  readonly p95: number;
  /** Machines, or whole clusters for `made`. */
  readonly of: number;
}

/** Measured in the lab, with both clouds, beside other work on two cores. No figure: it does not happen. */
export const figures: Readonly<Record<Kind, Readonly<Partial<Record<Measured, Figure>>>>> = {
  // All machines of a role together, from the end of the role before.
  made: {
    etcd: { median: 26, p95: 65, of: 22 },
    controller: { median: 33, p95: 77, of: 22 },
    worker: { median: 36, p95: 69, of: 22 },
  },
  renewed: { etcd: { median: 6, p95: 12, of: 12 }, controller: { median: 9, p95: 21, of: 12 } },
  changed: {
    etcd: { median: 16, p95: 17, of: 6 },
    controller: { median: 57, p95: 69, of: 22 },
    worker: { median: 9, p95: 12, of: 12 },
  },
  upgraded: {
    etcd: { median: 16, p95: 17, of: 6 },
    controller: { median: 57, p95: 69, of: 22 },
    worker: { median: 17, p95: 26, of: 10 },
  },
  replaced: {
    etcd: { median: 20, p95: 34, of: 24 },
    controller: { median: 73, p95: 100, of: 20 },
    worker: { median: 30, p95: 61, of: 20 },
  },
  removed: { worker: { median: 16, p95: 22, of: 59 } },
};

/** Seconds of a run beside its machines: the preview, the API's readiness, add-ons. The upgrades in `docs/benchmarks.md` had 16 to 30. */
export const restSeconds = 25;

/** The part of a machine that stands for all of it, and its role, by phase: other parts change with it. */
const timed: Readonly<Record<string, readonly [part: string, role: Measured]>> = {
  etcd: ["peer", "etcd"],
  apiserver: ["kube-apiserver", "controller"],
  node: ["kubelet", "worker"],
  "public-node": ["kubelet", "worker"],
};

const kindOfOperation: Readonly<Record<string, Kind>> = {
  create: "made",
  replace: "replaced",
  "create-replacement": "replaced",
  "delete-replaced": "replaced",
  delete: "removed",
};

/** Top names of the properties that change. */
const changedOf = ({ diffs, detailedDiff }: StepMetadata): ReadonlySet<string> =>
  new Set([...(diffs ?? []), ...Object.keys(detailedDiff ?? {})].map((path) => path.split(/[.[]/, 1)[0]!));

/** Kubelets get another minor version: their workers are drained. */
const drains = (steps: readonly StepMetadata[]): boolean =>
  steps.some(
    ({ type, old, new: after }) =>
      type === resourceTypes.releases &&
      old?.inputs?.["nodeVersion"] !== undefined &&
      after?.inputs?.["nodeVersion"] !== undefined &&
      minorOf(String(old.inputs["nodeVersion"])) !== minorOf(String(after.inputs["nodeVersion"])),
  );

/** What a preview would do, by the name of each machine; what takes a second or two is left out. */
export function kindsOf(events: readonly EngineEvent[]): ReadonlyMap<string, Kind> {
  const steps = events.flatMap(({ resourcePreEvent }) => resourcePreEvent?.metadata ?? []);
  const changed: Kind = drains(steps) ? "upgraded" : "changed";
  const kinds = new Map<string, Kind>();
  for (const step of steps) {
    if (step.type !== resourceTypes.delivery && step.type !== resourceTypes.join) continue;
    const properties = changedOf(step);
    const inPlace = properties.has("configuration") ? changed : properties.has("files") ? "renewed" : undefined;
    const kind = step.op === "update" ? inPlace : kindOfOperation[step.op];
    const { name } = refOf(step.urn);
    // The halves of a replacement say the same.
    if (kind !== undefined && kinds.get(name) !== "replaced") kinds.set(name, kind);
  }
  return kinds;
}

/** These wait for no turn. */
const together: readonly Kind[] = ["made", "removed"];

interface Timed {
  readonly kind: Kind;
  readonly seconds: number;
}

/** Machines that change one after another add up, those of a batch count once, and so do those that are made or removed. */
function phaseSeconds({ strategy, atOnce }: Phase, machines: readonly Timed[]): number {
  const longest = (some: readonly Timed[]): number => Math.max(0, ...some.map(({ seconds }) => seconds));
  if (strategy === "parallel" && atOnce === undefined) return longest(machines);
  const inTurn = machines.filter(({ kind }) => !together.includes(kind));
  let seconds = longest(machines.filter(({ kind }) => together.includes(kind)));
  for (let from = 0; from < inTurn.length; from += atOnce ?? 1)
    seconds += longest(inTurn.slice(from, from + (atOnce ?? 1)));
  return seconds;
}

/** Phases follow each other; workers and public workers that take no turns join together. */
function runSeconds(phases: readonly Phase[]): number {
  const free = phases.filter(
    ({ name, strategy, atOnce }) => name.endsWith("node") && strategy === "parallel" && atOnce === undefined,
  );
  const others = phases.filter((phase) => !free.includes(phase));
  const seconds = (phase: Phase): number => phase.seconds ?? 0;
  return others.reduce((sum, phase) => sum + seconds(phase), 0) + Math.max(0, ...free.map(seconds));
}

/** The plan with what each of its parts is expected to take; without it where there are no figures. */
export function withDurations(plan: Plan, kinds: ReadonlyMap<string, Kind>): Plan {
  if (plan.name === "uninstall") return plan;
  const phases = plan.phases.map((phase): Phase => {
    const [part, role] = timed[phase.name] ?? [];
    const machines: Timed[] = [];
    const steps = phase.steps.map((step): Step => {
      const kind = step.part === part ? kinds.get(step.name) : undefined;
      const figure = kind === undefined || role === undefined ? undefined : figures[kind][role];
      if (kind === undefined || figure === undefined) return step;
      machines.push({ kind, seconds: figure.median });
      return { ...step, seconds: figure.median };
    });
    const seconds = phaseSeconds(phase, machines);
    return seconds === 0 ? { ...phase, steps } : { ...phase, seconds, steps };
  });
  const seconds = runSeconds(phases);
  return seconds === 0 ? { ...plan, phases } : { ...plan, seconds: seconds + restSeconds, phases };
}

/** `about 55 s`, `about 5 min`, `about 3.5 h`. */
export function about(seconds: number): string {
  if (seconds < 100) return `about ${Math.max(5, Math.round(seconds / 5) * 5)} s`;
  const minutes = seconds / 60;
  return minutes < 100 ? `about ${Math.round(minutes)} min` : `about ${Math.round(minutes / 6) / 10} h`;
}

/** What people should know of the figures. */
export const durationsNote =
  "Times are what machines took in the lab (docs/benchmarks.md). Those of a cloud boot slower, and a drain takes what its pods need.";
