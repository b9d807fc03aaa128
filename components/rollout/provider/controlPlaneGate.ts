/** Gates before a control-plane machine is replaced (and shut down cleanly), and before its service is restarted in place. */
import { limits } from "../../../provider/operation/limits.js";
import { Progress } from "../../../provider/operation/progress.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { Deadline, pause } from "../../../provider/operation/timing.js";
import { mayGo, mayRestart, type ControlPlaneRole, type Going, type Verdict } from "../gates.js";
import type { PlannedMachine } from "../plan.js";
import type { Credentials } from "./controlPlanePeers.js";
import { find, type Found, type Look } from "./findings.js";
import { GateClosed } from "./gateClosed.js";
import { quiesce } from "./quiesce.js";
import { isControlPlane, rolloutPlan } from "./rolloutPlan.js";

const POLL_MILLISECONDS = 3_000;

/** The machine that is to be replaced or restarted. */
export interface LeavingMachine extends Credentials {
  readonly machine: string;
  readonly host: string;
}

type ControlPlaneMachine = PlannedMachine & { readonly pool: ControlPlaneRole };

/** What is asked, and what it is called. */
interface Gate {
  readonly change: string;
  readonly refusal: string;
  readonly look: Look;
  /** Machines of the other role are asked too. */
  readonly everywhere: boolean;
  /** Whether a machine that answers counts as serving until the time is up: it may be about to serve again. */
  readonly patient: boolean;
  verdict(going: Going, others: readonly Found[]): Verdict;
}

const replacement: Gate = {
  change: "replaced",
  refusal: "not replaced, because the cluster cannot do without it now",
  look: { alarms: true },
  everywhere: true,
  patient: true,
  verdict: mayGo,
};

/** A full database is no reason to wait: files may be what makes room. */
const restart: Gate = {
  change: "restarted",
  refusal: "its new files are not delivered, because the cluster cannot do without it for the seconds of a restart",
  look: { alarms: false },
  everywhere: false,
  patient: false,
  verdict: mayRestart,
};

/**
 * Lets the machine go, or says why not. If it is not in the plan, it is removed and not replaced: nothing is checked.
 * @param hostKey recorded.
 * @throws {GateClosed}
 */
export async function beforeReplacing(
  operation: Operation,
  leaving: LeavingMachine,
  hostKey: string | undefined,
): Promise<void> {
  const planned = plannedOf(leaving.machine);
  if (planned === undefined) return;
  // No machine of this role has ever served: there is nothing to guard.
  if (rolloutPlan.pool(planned.pool).every(({ host }) => host === undefined)) return;
  await waitUntilAllowed(operation, leaving, planned, hostKey, replacement);
  try {
    await quiesce(operation, leaving, planned.pool, hostKey);
  } catch (error) {
    rolloutPlan.stays(leaving.machine);
    throw error;
  }
}

/**
 * Delivers to a machine that has served, with `deliver`, once its service may be restarted. Whether the files need a restart is known
 * to the machine only.
 * @throws {GateClosed}
 */
export async function restarting<Result>(
  operation: Operation,
  leaving: LeavingMachine,
  hostKey: string | undefined,
  deliver: () => Promise<Result>,
): Promise<Result> {
  const planned = plannedOf(leaving.machine);
  if (planned === undefined) return deliver();
  // One whose last delivery has failed is not in the plan as serving. The others must see what it does now.
  rolloutPlan.answersAt(leaving.machine, { host: leaving.host, hostKey });
  await waitUntilAllowed(operation, leaving, planned, hostKey, restart);
  try {
    return await deliver();
  } finally {
    rolloutPlan.stays(leaving.machine);
  }
}

function plannedOf(machine: string): ControlPlaneMachine | undefined {
  const planned = rolloutPlan.get(machine);
  return planned !== undefined && isControlPlane(planned.pool) ? { ...planned, pool: planned.pool } : undefined;
}

async function waitUntilAllowed(
  operation: Operation,
  leaving: LeavingMachine,
  planned: ControlPlaneMachine,
  hostKey: string | undefined,
  gate: Gate,
): Promise<void> {
  const { machine, pool: role } = planned;
  const deadline = new Deadline(limits.settle);
  const progress = new Progress(operation.log, machine, deadline);
  const look = (peer: ControlPlaneMachine): Promise<Found> => find(operation, peer, leaving, gate.look);
  try {
    for (;;) {
      progress.phase(`checking the other machines before this one is ${gate.change}`);
      const [itself, ...findings] = await Promise.all([
        planned.host === undefined && gate === replacement
          ? undefined
          : look({ ...planned, host: leaving.host, hostKey }),
        ...rolloutPlan
          .controlPlane(machine)
          // A controller that an earlier run took away comes back in this run, after etcd: waiting for it here would never end.
          .filter(({ pool, host }) => pool === role || (gate.everywhere && (pool === "etcd" || host !== undefined)))
          .map(look),
      ]);
      const serves = itself !== undefined && !itself.gone && (itself.healthy || (gate.patient && deadline.left > 0));
      // Without a pause between this look and the mark, so that no two machines go at the same time.
      const others = findings.map((found) =>
        rolloutPlan.isAway(found.machine)
          ? { ...found, healthy: false, reason: "it is being replaced or restarted" }
          : found,
      );
      const verdict = gate.verdict({ machine, role, serves }, others);
      if (verdict.allowed) {
        // Taking away what does not serve takes nothing away, but a replacement must be back before the next one.
        if (serves || gate === replacement) rolloutPlan.leaves(machine);
        if (verdict.downtime !== undefined) operation.log.warn(`${machine}: ${verdict.downtime}.`);
        return;
      }
      if (deadline.left < 1)
        throw new GateClosed(
          `${machine}: ${gate.refusal}:`,
          verdict.obstacles,
          others.filter(({ healthy }) => !healthy).map((found) => found.machine),
        );
      progress.phase(`not ${gate.change} yet: ${verdict.obstacles.join("; ")}`);
      await pause(POLL_MILLISECONDS, operation.signal, deadline);
    }
  } finally {
    progress.stop();
  }
}
