/** Before a worker is drained for its replacement: the others of its pool are there. */
import type { V1Node } from "@kubernetes/client-node";
import { mayDrain } from "../gates.js";
import { persist, type Cluster } from "../../../provider/kubernetes/cluster.js";
import { isReady, whyNotReady } from "../../../provider/kubernetes/node.js";
import type { Progress } from "../../../provider/operation/progress.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { Deadline, pause } from "../../../provider/operation/timing.js";
import { announcement, type Announced } from "./rolloutPlan.js";
import { GateClosed } from "./replacementGate.js";

const SETTLE_SECONDS = 60;
const API_SECONDS = 30;
const POLL_MILLISECONDS = 2_000;

/**
 * Waits until less than `max_unavailable` others of the worker's pool are away or not ready.
 * @throws {GateClosed} when that does not come within a minute. @throws {ApiUnavailable}
 */
export async function waitForOthers(
  operation: Operation,
  cluster: Cluster,
  going: Announced,
  progress: Progress,
): Promise<void> {
  const deadline = new Deadline(SETTLE_SECONDS);
  for (;;) {
    const nodes = await persist(new Deadline(API_SECONDS), operation.signal, () => cluster.core.listNode());
    const verdict = mayDrain(
      going.atOnce,
      unavailable(going, new Map(nodes.items.map((node) => [node.metadata?.name ?? "", node]))),
    );
    if (verdict.allowed) return;
    if (deadline.left < 1) {
      throw new GateClosed(
        `${going.machine}: left as it is, because max_unavailable lets ${going.atOnce} of the ${going.pool} machines be missing:\n${verdict.obstacles.map((line) => `  ${line}`).join("\n")}\n` +
          "Mend that, then run `pulumi up` again: it checks anew and goes on from here.",
      );
    }
    progress.phase(`not drained yet: ${verdict.obstacles.join("; ")}`);
    await pause(POLL_MILLISECONDS, operation.signal, deadline);
  }
}

function unavailable(going: Announced, nodes: ReadonlyMap<string, V1Node>): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { machine } of announcement.pool(going.pool)) {
    if (machine === going.machine) continue;
    const node = nodes.get(machine);
    if (announcement.isAway(machine)) found.set(machine, "it is being replaced");
    else if (node === undefined) found.set(machine, "it is no node of the cluster");
    else if (!isReady(node)) found.set(machine, whyNotReady(node));
  }
  return found;
}
