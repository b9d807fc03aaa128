/** Gate before a worker is drained for its replacement, or its kubelet restarted: enough others of its pool are available. */
import type { V1Node } from "@kubernetes/client-node";
import { ifFound, persist, type Cluster } from "../../../provider/kubernetes/cluster.js";
import { isReady, whyNotReady } from "../../../provider/kubernetes/node.js";
import { limits } from "../../../provider/operation/limits.js";
import type { Progress } from "../../../provider/operation/progress.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { Deadline, pause } from "../../../provider/operation/timing.js";
import { mayDrain } from "../gates.js";
import type { PlannedMachine } from "../plan.js";
import { GateClosed } from "./gateClosed.js";
import { rolloutPlan } from "./rolloutPlan.js";

const POLL_MILLISECONDS = 2_000;

/**
 * Changes a worker in place, with `work`, once enough others of its pool are available. A worker that is not ready is missing already:
 * `work` gets the Node only of one that is.
 * @throws {GateClosed} after a minute. @throws {ApiUnavailable}
 */
export async function changingWorker<Result>(
  operation: Operation,
  cluster: Cluster,
  machine: string,
  progress: Progress,
  work: (node: V1Node | undefined) => Promise<Result>,
): Promise<Result> {
  const planned = rolloutPlan.get(machine);
  if (planned === undefined) return work(undefined);
  // Counted before the others are checked, so that no two machines pass at the same time.
  rolloutPlan.leaves(machine);
  try {
    const node = await persist(new Deadline(limits.api), operation.signal, () =>
      ifFound(cluster.core.readNode({ name: machine })),
    );
    const ready = node !== undefined && isReady(node);
    if (ready) await waitForOthers(operation, cluster, planned, progress, "changed");
    return await work(ready ? node : undefined);
  } finally {
    rolloutPlan.stays(machine);
  }
}

/**
 * Waits until less than `max_unavailable` others of the worker's pool are away or not ready.
 * @throws {GateClosed} after a minute. @throws {ApiUnavailable}
 */
export async function waitForOthers(
  operation: Operation,
  cluster: Cluster,
  leaving: PlannedMachine,
  progress: Progress,
  change: "replaced" | "changed" = "replaced",
): Promise<void> {
  const deadline = new Deadline(limits.settleWorkers);
  for (;;) {
    const nodes = await persist(new Deadline(limits.api), operation.signal, () => cluster.core.listNode());
    const verdict = mayDrain(
      leaving.atOnce,
      unavailable(leaving, new Map(nodes.items.map((node) => [node.metadata?.name ?? "", node]))),
    );
    if (verdict.allowed) return;
    if (deadline.left < 1) {
      throw new GateClosed(
        `${leaving.machine}: not ${change}, because max_unavailable allows ${leaving.atOnce} of the ${leaving.pool} machines to be missing:`,
        verdict.obstacles,
      );
    }
    progress.phase(`not ${change} yet: ${verdict.obstacles.join("; ")}`);
    await pause(POLL_MILLISECONDS, operation.signal, deadline);
  }
}

function unavailable(leaving: PlannedMachine, nodes: ReadonlyMap<string, V1Node>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { machine } of rolloutPlan.pool(leaving.pool)) {
    if (machine === leaving.machine) continue;
    const node = nodes.get(machine);
    if (rolloutPlan.isAway(machine)) found.set(machine, "it is being replaced or changed");
    else if (node === undefined) found.set(machine, "it is not a node of the cluster");
    else if (!isReady(node)) found.set(machine, whyNotReady(node));
  }
  return found;
}
