/** Before a machine of the control plane is taken away: the rest is well, and does without it; then it is stopped in peace. */
import { mayGo, type ControlPlaneRole, type Finding } from "../gates.js";
import { describeError } from "../../../provider/kubernetes/cluster.js";
import { Progress } from "../../../provider/operation/progress.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { Unreachable } from "../../../provider/ssh/machine.js";
import { Deadline, pause } from "../../../provider/operation/timing.js";
import { announcement, type Announced } from "./rolloutPlan.js";
import { alarms } from "./etcdctl.js";
import { complaint, onPeer, type Credentials } from "./controlPlanePeers.js";
import { quiesce } from "./quiesce.js";

/** Machines settle after the change before this one: a leader is elected, a load balancer looks again. */
const SETTLE_SECONDS = 90;
const POLL_MILLISECONDS = 3_000;

/** The machine was not touched. */
export class GateClosed extends Error {}

export interface Going extends Credentials {
  readonly machine: string;
  readonly host: string;
}

/**
 * Lets the machine go, or says why not. Without an announcement of it, it is not replaced but removed: nothing is asked.
 * @param hostKey recorded.
 * @throws {GateClosed}
 */
export async function beforeReplacing(operation: Operation, going: Going, hostKey: string | undefined): Promise<void> {
  const announced = announcement.get(going.machine);
  if (announced === undefined || !isControlPlane(announced.pool)) return;
  const role = announced.pool;
  // Nothing of this kind has ever served: there is nothing to guard.
  if (announcement.pool(role).every(({ host }) => host === undefined)) return;
  const other = announcement
    .pool(role)
    .find(({ machine }) => machine !== going.machine && announcement.isAway(machine));
  if (other !== undefined) {
    throw new GateClosed(
      `${going.machine}: left as it is, because ${other.machine} is being replaced and is not back yet. Run \`pulumi up\` again once it is.`,
    );
  }
  announcement.leaves(going.machine);
  try {
    await waitUntilWell(operation, going, role);
    await quiesce(operation, going, role, hostKey);
  } catch (error) {
    announcement.stays(going.machine);
    throw error;
  }
}

async function waitUntilWell(operation: Operation, going: Going, role: ControlPlaneRole): Promise<void> {
  const deadline = new Deadline(SETTLE_SECONDS);
  const progress = new Progress(operation.log, going.machine, deadline);
  try {
    for (;;) {
      progress.phase("asking the other machines before this one is replaced");
      const findings = await Promise.all(
        announcement
          .controlPlane(going.machine)
          // A controller that an earlier run took away comes back in this one, after etcd: waiting for it here would be for ever.
          .filter(({ pool, host }) => pool === role || pool === "etcd" || host !== undefined)
          .map((peer) => find(operation, peer, going)),
      );
      const verdict = mayGo({ machine: going.machine, role }, findings);
      if (verdict.allowed) {
        if (verdict.downtime !== undefined) operation.log.warn(`${going.machine}: ${verdict.downtime}.`);
        return;
      }
      if (deadline.left < 1) throw new GateClosed(explain(going.machine, verdict.obstacles));
      progress.phase(`not replaced yet: ${verdict.obstacles.join("; ")}`);
      await pause(POLL_MILLISECONDS, operation.signal, deadline);
    }
  } finally {
    progress.stop();
  }
}

async function find(
  operation: Operation,
  peer: Announced & { readonly pool: ControlPlaneRole },
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
    return reason === undefined ? { machine, role, healthy: true } : { machine, role, healthy: false, reason };
  } catch (error) {
    operation.signal.throwIfAborted();
    return {
      machine,
      role,
      healthy: false,
      reason: error instanceof Unreachable ? "it does not answer SSH" : describeError(error),
    };
  }
}

function explain(machine: string, obstacles: readonly string[]): string {
  return (
    `${machine}: left as it is, because the cluster may not do without it now:\n${obstacles.map((line) => `  ${line}`).join("\n")}\n` +
    "Mend that, then run `pulumi up` again: it checks anew and goes on from here."
  );
}

function isControlPlane(pool: string): pool is ControlPlaneRole {
  return pool === "etcd" || pool === "controller";
}
