/** Gate before a control-plane machine is replaced: all peers healthy, quorum kept; then a clean shutdown. */
import { describeError } from "../../../provider/kubernetes/cluster.js";
import { Progress } from "../../../provider/operation/progress.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { Deadline, pause } from "../../../provider/operation/timing.js";
import { Unreachable } from "../../../provider/ssh/machine.js";
import { mayGo, type ControlPlaneRole, type Finding } from "../gates.js";
import type { PlannedMachine } from "../plan.js";
import { complaint, onPeer, type Credentials } from "./controlPlanePeers.js";
import { alarms } from "./etcdctl.js";
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
  const other = rolloutPlan
    .pool(role)
    .find(({ machine }) => machine !== leaving.machine && rolloutPlan.isAway(machine));
  if (other !== undefined) {
    throw new GateClosed(
      `${leaving.machine}: not replaced, because ${other.machine} is being replaced and is not back yet. Run \`pulumi up\` again once it is.`,
    );
  }
  rolloutPlan.leaves(leaving.machine);
  try {
    await waitUntilAllowed(operation, leaving, role);
    await quiesce(operation, leaving, role, hostKey);
  } catch (error) {
    rolloutPlan.stays(leaving.machine);
    throw error;
  }
}

async function waitUntilAllowed(operation: Operation, leaving: LeavingMachine, role: ControlPlaneRole): Promise<void> {
  const deadline = new Deadline(SETTLE_SECONDS);
  const progress = new Progress(operation.log, leaving.machine, deadline);
  try {
    for (;;) {
      progress.phase("checking the other machines before this one is replaced");
      const findings = await Promise.all(
        rolloutPlan
          .controlPlane(leaving.machine)
          // A controller that an earlier run took away comes back in this run, after etcd: waiting for it here would never end.
          .filter(({ pool, host }) => pool === role || pool === "etcd" || host !== undefined)
          .map((peer) => find(operation, peer, leaving)),
      );
      const verdict = mayGo({ machine: leaving.machine, role }, findings);
      if (verdict.allowed) {
        if (verdict.downtime !== undefined) operation.log.warn(`${leaving.machine}: ${verdict.downtime}.`);
        return;
      }
      if (deadline.left < 1) {
        throw new GateClosed(
          `${leaving.machine}: not replaced, because the cluster cannot do without it now:`,
          verdict.obstacles,
        );
      }
      progress.phase(`not replaced yet: ${verdict.obstacles.join("; ")}`);
      await pause(POLL_MILLISECONDS, operation.signal, deadline);
    }
  } finally {
    progress.stop();
  }
}

async function find(
  operation: Operation,
  peer: PlannedMachine & { readonly pool: ControlPlaneRole },
  credentials: Credentials,
): Promise<Finding> {
  const { machine, host, pool: role } = peer;
  if (host === undefined) return { machine, role, healthy: false, reason: "it does not serve yet" };
  try {
    const reason = await onPeer(
      operation,
      { ...peer, host },
      credentials,
      async (at) => (await complaint(at)) ?? (role === "etcd" ? await alarms(at) : undefined),
    );
    return { machine, role, healthy: reason === undefined, reason };
  } catch (error) {
    operation.signal.throwIfAborted();
    const reason = error instanceof Unreachable ? "it does not answer SSH" : describeError(error);
    return { machine, role, healthy: false, reason };
  }
}
