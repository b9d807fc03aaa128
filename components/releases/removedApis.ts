/** Asks the API servers of the cluster, through the provider, which versions of the API clients use that another release removes. */
import * as pulumi from "@pulumi/pulumi";
import { type RecordedState, wantedMachines } from "../cloud/recordedState.js";
import { removedApisFunction, type RemovedApisQuestion } from "../contract/removedApis.js";
import { resourceTypes } from "../contract/resources.js";
import type { ClusterSpec } from "../spec/cluster.js";
import type { Removals, UsedApis } from "../spec/removals.js";

/**
 * As the cluster is before this run: addresses and credentials are those of the state. A preview asks too.
 * @returns what is known; a cluster that gives no answer is no reason to stop, since a run that cannot reach its controllers changes none.
 */
export async function askForRemovedApis(
  spec: ClusterSpec,
  { minor }: Removals,
  state: RecordedState,
): Promise<UsedApis> {
  const names = wantedMachines(spec).flatMap(({ name, role }) => (role === "controller" ? [name] : []));
  const unknown = (reason: string): UsedApis => ({
    requested: [],
    unanswered: Object.fromEntries(names.map((name) => [name, reason])),
  });
  const question = questionOf(names, minor, state);
  if (question === undefined) return unknown("the state has no address or credentials of an earlier run");
  try {
    return (await pulumi.runtime.invoke(removedApisFunction, { ...question })) as UsedApis;
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}

function questionOf(names: readonly string[], minor: number, state: RecordedState): RemovedApisQuestion | undefined {
  const text = (key: string): string | undefined => [...state.texts("pulumi:pulumi:Stack", key).values()][0];
  const [kubeconfig, privateKey, user] = ["kubeconfig", "ssh_private_key", "ssh_user"].map(text);
  const of = (key: string): ReadonlyMap<string, string> => state.texts(resourceTypes.delivery, key);
  const [hosts, hostKeys, bastions] = [of("host"), of("hostKey"), of("bastion")];
  const controllers = names.flatMap((machine) => {
    const host = hosts.get(machine);
    return host === undefined ? [] : [{ machine, host, hostKey: hostKeys.get(machine) }];
  });
  if (kubeconfig === undefined || privateKey === undefined || user === undefined || controllers.length === 0)
    return undefined;
  const bastion = names.map((name) => bastions.get(name)).find((each) => each !== undefined);
  return { controllers, minor, user, privateKey, kubeconfig, ...(bastion === undefined ? {} : { bastion }) };
}
