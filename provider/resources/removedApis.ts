/** Asks every API server for requests that the next release does not serve. */
import { type RemovedApi, type RemovedApisAnswer, removedApisQuestion } from "../../components/contract/removedApis.js";
import { clientsIn, clientsScript, countedRequests } from "../kubernetes/requestedApis.js";
import { tunnelledApi } from "../kubernetes/tunnel.js";
import { Progress } from "../operation/progress.js";
import type { Operation } from "../operation/resourceKind.js";
import { Deadline } from "../operation/timing.js";
import { Machine } from "../ssh/machine.js";

/** Until a controller must have answered SSH. */
const CONNECT_SECONDS = 10;
const silent: Operation["log"] = { status: () => undefined, info: () => undefined, warn: () => undefined };

/**
 * Each controller is asked for itself, over SSH: behind a load balancer, only one of them would answer.
 * @throws z.ZodError for an invalid question.
 */
export async function removedApis(given: unknown, { signal }: Pick<Operation, "signal">): Promise<RemovedApisAnswer> {
  const { controllers, minor, apiPort, kubeconfig, ...access } = removedApisQuestion.parse(given);
  const found = new Map<string, RemovedApi>();
  const unanswered: Record<string, string> = {};
  const starts: number[] = [];
  await Promise.all(
    controllers.map(async ({ machine: name, host, hostKey }) => {
      const deadline = new Deadline(CONNECT_SECONDS);
      const progress = new Progress(silent, name, deadline);
      const machine = new Machine(name, { ...access, host }, hostKey, { signal, deadline, progress });
      try {
        const connection = await machine.connect();
        const api = await tunnelledApi(kubeconfig, () => connection.forward("127.0.0.1", apiPort), signal);
        const { requested, start } = await countedRequests(api, minor);
        starts.push(start);
        // Who they are is only a help: without it, the requests count all the same.
        const clients =
          requested.length === 0
            ? new Map<string, string[]>()
            : await clientsOf(machine).catch(() => new Map<string, string[]>());
        for (const { api: name, removedIn } of requested) {
          const known = found.get(name)?.clients ?? [];
          found.set(name, {
            api: name,
            removedIn,
            clients: [...new Set([...known, ...(clients.get(name) ?? [])])].sort(),
          });
        }
      } catch (error) {
        signal.throwIfAborted();
        unanswered[name] = error instanceof Error ? error.message : String(error);
      } finally {
        progress.stop();
        machine.close();
      }
    }),
  );
  return {
    requested: [...found.values()].sort((a, b) => (a.api < b.api ? -1 : 1)),
    ...(starts.length === 0 ? {} : { since: new Date(Math.max(...starts) * 1_000).toISOString() }),
    unanswered,
  };
}

async function clientsOf(machine: Machine): Promise<ReadonlyMap<string, readonly string[]>> {
  return clientsIn((await machine.root({ script: clientsScript })).stdout);
}
