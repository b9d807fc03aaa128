/** A plan of a cluster: phases and steps, and where they stand by what became of the resources behind them. Pure. */
import { titleOf } from "../../components/addons/list.js";
import { resourceTypes } from "../../components/contract/resources.js";
import type { Role } from "../../components/spec/cluster.js";
import type { Phase, PhaseState, Plan, PlanName, Step, Strategy } from "./names.js";
import { isLoadBalancer, runsPods, type Ref, type Topology } from "./topology.js";

/**
 * What became of a resource: `unchanged` is as it should be and was so before; `pending` is to change or to be made; `done` was
 * changed, made or found made; `failed` needs somebody.
 */
export type Progress = "unchanged" | "pending" | "started" | "done" | "failed";

export interface ResourceProgress {
  readonly ref: Ref;
  readonly progress: Progress;
  readonly detail?: string;
}

interface StepShape {
  readonly name: string;
  readonly part: string;
  /** Resources behind it. */
  readonly of: (ref: Ref) => boolean;
  /** It is there only when one of these is: what is missing is still to be made. One for each thing that must be there. */
  readonly proofs: readonly ((ref: Ref) => boolean)[];
}

interface PhaseShape {
  readonly name: string;
  readonly strategy: Strategy;
  readonly atOnce?: number;
  readonly steps: readonly StepShape[];
}

/** Everything of a machine but its keys: the machine itself, and what makes it serve. */
const ofMachine =
  (machine: string) =>
  ({ name, type }: Ref): boolean =>
    name === machine && !type.startsWith("tls:") && type !== resourceTypes.configuration;

const proofOf =
  (machine: string) =>
  ({ name, type }: Ref): boolean =>
    name === machine && (type === resourceTypes.delivery || type === resourceTypes.join);

const ofAddon =
  (addon: string) =>
  (ref: Ref): boolean =>
    runsPods(ref) && (ref.name === addon || ref.name.endsWith(`-${addon}`));

const kubeProxy = "kube-proxy";

/** Phases in the order of a run that makes or changes a cluster. */
function phasesOf(topology: Topology, changes: boolean): readonly PhaseShape[] {
  const { machines, addons, loadBalancers, atOnce } = topology;
  const oneByOne: Strategy = changes ? "serial" : "parallel";
  const workersAtOnce: Pick<PhaseShape, "strategy" | "atOnce"> =
    changes && atOnce > 1 ? { strategy: "parallel", atOnce } : { strategy: oneByOne };
  const phase = (
    name: string,
    how: Strategy | Pick<PhaseShape, "strategy" | "atOnce">,
    steps: readonly StepShape[],
  ): PhaseShape => ({ name, ...(typeof how === "string" ? { strategy: how } : how), steps });
  const onEach = (role: Role, ...parts: readonly string[]): readonly StepShape[] =>
    machines
      .filter((machine) => machine.role === role)
      .flatMap(({ name }) =>
        parts.map((part): StepShape => {
          const proofs = [proofOf(name)];
          if (part !== kubeProxy) return { name, part, of: ofMachine(name), proofs };
          const isProxy = ofAddon(kubeProxy);
          return { name, part, of: (ref) => proofOf(name)(ref) || isProxy(ref), proofs: [...proofs, isProxy] };
        }),
      );
  const nodeAddons = addons
    .filter(({ early }) => early)
    .map(({ name }): StepShape => ({ name, part: "pods", of: ofAddon(name), proofs: [ofAddon(name)] }));
  const mandatoryAddons = addons
    .filter(({ early }) => !early)
    .map(({ name }): StepShape => {
      const isAddon = ofAddon(name);
      return { name: "mandatory-addons-0", part: titleOf(name), of: isAddon, proofs: [isAddon] };
    });
  const isReady = ({ type }: Ref): boolean => type === resourceTypes.readiness;
  const balancer: StepShape = { name: "load-balancers", part: "install", of: isLoadBalancer, proofs: [isLoadBalancer] };
  const nodeParts = addons.some(({ name }) => name === kubeProxy) ? ["kubelet", kubeProxy] : ["kubelet"];
  return [
    phase("etcd", oneByOne, onEach("etcd", "peer")),
    phase("apiserver", oneByOne, onEach("controller", "kube-apiserver")),
    phase("kubernetes-api-proxy", "parallel", [
      ...(loadBalancers ? [balancer] : []),
      { name: "api", part: "readiness", of: isReady, proofs: [isReady] },
    ]),
    phase("controller-manager", oneByOne, onEach("controller", "kube-controller-manager")),
    phase("scheduler", oneByOne, onEach("controller", "kube-scheduler")),
    phase("node-addons", "parallel", nodeAddons),
    phase("node", workersAtOnce, onEach("worker", ...nodeParts)),
    phase("public-node", workersAtOnce, onEach("public", ...nodeParts)),
    phase("mandatory-addons", "serial", mandatoryAddons),
  ];
}

/** A step that makes or changes something. */
function stepOf({ name, part, of, proofs }: StepShape, resources: readonly ResourceProgress[]): Step {
  const own = resources.filter(({ ref }) => of(ref));
  const has = (...wanted: readonly Progress[]): boolean => own.some(({ progress }) => wanted.includes(progress));
  const waits = has("pending") || proofs.some((proof) => !own.some(({ ref }) => proof(ref)));
  const state = has("failed")
    ? "ERROR"
    : has("started") || (waits && has("done"))
      ? "STARTED"
      : waits
        ? "PENDING"
        : "COMPLETE";
  const telling = { ERROR: "failed", STARTED: "started", PENDING: "pending", COMPLETE: "done" } as const;
  const detail = own.find((each) => each.progress === telling[state] && each.detail !== undefined)?.detail;
  return { name, part, state, ...(detail === undefined ? {} : { detail }) };
}

/** A step that takes something away: it is complete when nothing of it is left. */
function removalOf({ name, part, of }: StepShape, resources: readonly ResourceProgress[]): Step {
  const left = resources.filter(({ ref, progress }) => of(ref) && progress !== "done");
  const failed = left.find(({ progress }) => progress === "failed");
  if (failed !== undefined) return { name, part, state: "ERROR", ...(failed.detail ? { detail: failed.detail } : {}) };
  const state =
    left.length === 0 ? "COMPLETE" : left.some(({ progress }) => progress === "started") ? "STARTED" : "PENDING";
  return { name, part, state };
}

function stateOf(states: readonly string[]): PhaseState {
  if (states.includes("ERROR")) return "ERROR";
  if (states.every((state) => state === "COMPLETE")) return "COMPLETE";
  return states.every((state) => state === "PENDING") ? "PENDING" : "IN_PROGRESS";
}

/**
 * @param resources What became of each.
 * @param waiting It is shown before a run: what does not change is complete, and nothing is under way.
 */
export function planOf(
  name: PlanName,
  topology: Topology,
  resources: readonly ResourceProgress[],
  waiting = false,
): Plan {
  const uninstall = name === "uninstall";
  const shapes = phasesOf(topology, name === "update" || name === "replace");
  // Together and dependents first; nothing is kept serving.
  const ordered = uninstall
    ? shapes.toReversed().map(({ name: phase, steps }): PhaseShape => ({ name: phase, strategy: "parallel", steps }))
    : shapes;
  const phases = ordered.map(({ steps: all, ...shape }): Phase => {
    const steps = all.map((step) => (uninstall ? removalOf(step, resources) : stepOf(step, resources)));
    const state = stateOf(steps.map((step) => step.state));
    return { ...shape, state: waiting && state === "IN_PROGRESS" ? "PENDING" : state, steps };
  });
  const state = stateOf(phases.map((phase) => phase.state));
  return {
    name,
    strategy: uninstall ? "parallel" : "serial",
    state: waiting && state !== "COMPLETE" && state !== "ERROR" ? "WAITING" : state,
    phases,
  };
}
