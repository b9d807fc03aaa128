/** What is found out about the machines of the control plane: whether they serve, and why not. */
import { describeError } from "../../../provider/kubernetes/cluster.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { HostKeyChanged } from "../../../provider/ssh/hostkey.js";
import { Unreachable } from "../../../provider/ssh/machine.js";
import type { ControlPlaneRole, Finding } from "../gates.js";
import type { PlannedMachine } from "../plan.js";
import { complaint, onPeer, type Credentials } from "./controlPlanePeers.js";
import { alarms } from "./etcdctl.js";

export interface Found extends Finding {
  /** Nothing of the machine was seen: it is gone, or another one answers in its place. */
  readonly gone: boolean;
}

/** How a machine is asked. */
export interface Look {
  /** Whether an alarm of etcd counts as not healthy. */
  readonly alarms: boolean;
  /** Until it must have answered SSH. @default 20 */
  readonly seconds?: number;
}

export async function find(
  operation: Operation,
  peer: PlannedMachine & { readonly pool: ControlPlaneRole },
  credentials: Credentials,
  { alarms: andAlarms, seconds }: Look,
): Promise<Found> {
  const { machine, host, pool: role } = peer;
  const unhealthy = (reason: string, gone: boolean): Found => ({ machine, role, healthy: false, reason, gone });
  if (host === undefined) return unhealthy("it does not serve yet", true);
  try {
    const reason = await onPeer(
      operation,
      { ...peer, host },
      credentials,
      async (at) => (await complaint(at)) ?? (andAlarms && role === "etcd" ? await alarms(at) : undefined),
      seconds,
    );
    return reason === undefined
      ? { machine, role, healthy: true, reason: undefined, gone: false }
      : unhealthy(reason, false);
  } catch (error) {
    operation.signal.throwIfAborted();
    if (error instanceof Unreachable) return unhealthy(`it does not answer SSH at ${host}`, true);
    if (error instanceof HostKeyChanged)
      return unhealthy(
        `another machine answers at its address ${host}; find out with \`pulumi refresh\` whether it is gone`,
        true,
      );
    return unhealthy(describeError(error), false);
  }
}
