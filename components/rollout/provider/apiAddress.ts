/** The API's address on workers that have joined: they follow a controller that has moved. */
import { secretsDirectory } from "../../contract/paths.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { deliver } from "../../../provider/machine/deliver.js";
import { workerFiles } from "../../../provider/machine/deliveryFiles.js";
import { reactivate } from "../../../provider/machine/healthGate.js";
import { quote } from "../../../provider/ssh/machine.js";
import type { PlannedMachine } from "../plan.js";
import { isControlPlane, rolloutPlan } from "./rolloutPlan.js";
import { onPeer, type Credentials } from "./controlPlanePeers.js";

/** Workers that get the address at the same time. */
const PARALLEL = 20;

/**
 * Delivers the address to all workers that have joined, before anything waits for pods on them. A failed delivery is a warning: the
 * worker's own `Join` tries again later in the run.
 */
export async function deliverApiAddress(
  operation: Operation,
  server: string,
  caCertificate: string,
  credentials: Credentials,
): Promise<void> {
  const queue = rolloutPlan
    .all()
    .filter(
      (planned): planned is PlannedMachine & { host: string } =>
        !isControlPlane(planned.pool) && planned.host !== undefined,
    );
  const next = async (): Promise<void> => {
    for (let worker = queue.shift(); worker !== undefined; worker = queue.shift()) {
      const { machine } = worker;
      try {
        await onPeer(operation, worker, credentials, async (at) => {
          const known = await at.root({
            script: `grep -qxF ${quote(`API_SERVER=${server}`)} ${secretsDirectory}/cluster.env`,
          });
          if (known.code === 0) return;
          await deliver(at, workerFiles(server, caCertificate));
          await reactivate(at);
        });
      } catch (error) {
        operation.signal.throwIfAborted();
        operation.log.warn(
          `${machine}: the API's new address ${server} could not be delivered: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, next));
}
