/** Which machines of the plan do not serve, for the order of a run. */
import { openCluster } from "../../../provider/kubernetes/cluster.js";
import { isReady, whyNotReady } from "../../../provider/kubernetes/node.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import type { Settings } from "../../../provider/operation/settings.js";
import { brokenQuestion, type PlannedMachine } from "../plan.js";
import { find } from "./findings.js";
import { isControlPlane, rolloutPlan } from "./rolloutPlan.js";

const CONNECT_SECONDS = 10;
/** What is asked here is for the order only; the machines' own operations report their progress. */
const silent: Operation["log"] = { status: () => undefined, info: () => undefined, warn: () => undefined };

/** @throws z.ZodError for an invalid question. */
export async function findBroken(
  given: unknown,
  { settings, signal }: Pick<Operation, "settings" | "signal">,
): Promise<{ readonly broken: Readonly<Record<string, string>> }> {
  const { machines, user, privateKey } = brokenQuestion.parse(given);
  const operation: Operation = { settings, signal, log: silent };
  const asked = machines.flatMap((name) => rolloutPlan.get(name) ?? []);
  const credentials = { user, privateKey, port: 22 };
  const controlPlane = await Promise.all(
    asked.map(async (planned) => {
      const { pool } = planned;
      if (!isControlPlane(pool)) return [];
      const { machine, healthy, reason } = await find(operation, { ...planned, pool }, credentials, {
        alarms: false,
        seconds: CONNECT_SECONDS,
      });
      return healthy ? [] : [[machine, reason ?? "its health check fails"] as const];
    }),
  );
  const workers = await brokenWorkers(
    asked.filter(({ pool }) => !isControlPlane(pool)),
    settings,
    signal,
  );
  return { broken: Object.fromEntries([...controlPlane.flat(), ...workers]) };
}

async function brokenWorkers(
  workers: readonly PlannedMachine[],
  { kubeconfig }: Settings,
  signal: AbortSignal,
): Promise<(readonly [string, string])[]> {
  if (workers.length === 0 || kubeconfig === undefined) return [];
  const cluster = await openCluster(kubeconfig, signal);
  const nodes = new Map((await cluster.core.listNode()).items.map((node) => [node.metadata?.name, node]));
  return workers.flatMap(({ machine }) => {
    const node = nodes.get(machine);
    if (node === undefined) return [[machine, "it is not a node of the cluster"] as const];
    return isReady(node) ? [] : [[machine, whyNotReady(node)] as const];
  });
}
