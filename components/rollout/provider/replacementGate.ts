/** Gate before a control-plane machine is replaced: all peers healthy, quorum kept; then a clean shutdown. */
import { Progress } from "../../../provider/operation/progress.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { Deadline, pause } from "../../../provider/operation/timing.js";
import { mayGo, type ControlPlaneRole } from "../gates.js";
import type { PlannedMachine } from "../plan.js";
import type { Credentials } from "./controlPlanePeers.js";
import { find, type Found } from "./findings.js";
import { GateClosed } from "./gateClosed.js";
import { quiesce } from "./quiesce.js";
import { isControlPlane, rolloutPlan } from "./rolloutPlan.js";

/** Machines settle after the previous change: a leader is elected, a load balancer checks again. */
const SETTLE_SECONDS = 90;
const POLL_MILLISECONDS = 3_000;

export interface LeavingMachine extends Credentials {
  readonly machine: string;
  readonly host: string;
}

type ControlPlaneMachine = PlannedMachine & { readonly pool: ControlPlaneRole };

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
  const planned = rolloutPlan.get(leaving.machine);
  if (planned === undefined || !isControlPlane(planned.pool)) return;
  const role = planned.pool;
  // No machine of this role has ever served: there is nothing to guard.
  if (rolloutPlan.pool(role).every(({ host }) => host === undefined)) return;
  await waitUntilAllowed(operation, leaving, { ...planned, pool: role }, hostKey);
  try {
    await quiesce(operation, leaving, role, hostKey);
  } catch (error) {
    rolloutPlan.stays(leaving.machine);
    throw error;
  }
}

async function waitUntilAllowed(
  operation: Operation,
  leaving: LeavingMachine,
  planned: ControlPlaneMachine,
  hostKey: string | undefined,
): Promise<void> {
  const { machine, pool: role } = planned;
  const deadline = new Deadline(SETTLE_SECONDS);
  const progress = new Progress(operation.log, machine, deadline);
  const look = (peer: ControlPlaneMachine): Promise<Found> => find(operation, peer, leaving);
  try {
    for (;;) {
      progress.phase("checking the other machines before this one is replaced");
      const [itself, ...findings] = await Promise.all([
        planned.host === undefined ? undefined : look({ ...planned, host: leaving.host, hostKey }),
        ...rolloutPlan
          .controlPlane(machine)
          // A controller that an earlier run took away comes back in this run, after etcd: waiting for it here would never end.
          .filter(({ pool, host }) => pool === role || pool === "etcd" || host !== undefined)
          .map(look),
      ]);
      // One that answers may be about to serve again.
      const serves = itself !== undefined && !itself.gone && (itself.healthy || deadline.left > 0);
      // Without a pause between this look and the mark, so that no two machines go at the same time.
      const others = findings.map((found) =>
        rolloutPlan.isAway(found.machine) ? { ...found, healthy: false, reason: "it is being replaced" } : found,
      );
      const verdict = mayGo({ machine, role, serves }, others);
      if (verdict.allowed) {
        rolloutPlan.leaves(machine);
        if (verdict.downtime !== undefined) operation.log.warn(`${machine}: ${verdict.downtime}.`);
        return;
      }
      if (deadline.left < 1)
        throw new GateClosed(
          `${machine}: not replaced, because the cluster cannot do without it now:`,
          verdict.obstacles,
        );
      progress.phase(`not replaced yet: ${verdict.obstacles.join("; ")}`);
      await pause(POLL_MILLISECONDS, operation.signal, deadline);
    }
  } finally {
    progress.stop();
  }
}
