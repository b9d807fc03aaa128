/** The steps of a worker's join, and of applying a changed API address or CA to one that has joined. */
import type { V1Node } from "@kubernetes/client-node";
import { describeError, ifFound, openCluster, persist, type Cluster } from "../kubernetes/cluster.js";
import {
  internalAddress,
  isInitialized,
  isOf,
  isReady,
  lacksOnlyNetwork,
  whyNotReady,
  type Identity,
} from "../kubernetes/node.js";
import { bootstrapKubeconfig, withToken } from "../kubernetes/token.js";
import { deliver } from "../machine/deliver.js";
import type { Files } from "../machine/deliveryFiles.js";
import { reactivate, restartFailed, waitHealthy, waitInstalled } from "../machine/healthGate.js";
import { readIdentity } from "../machine/machineIdentity.js";
import { CONFIGURATION_DIRECTORY } from "../machine/layout.js";
import { secretContents } from "../operation/redact.js";
import type { JoinInputs } from "./join.js";
import type { Operation } from "../operation/resourceKind.js";
import type { Visit } from "./session.js";

const CA_FILE = "ca.crt";
const BOOTSTRAP_FILE = "bootstrap.kubeconfig";
const SETTINGS_FILE = "cluster.env";

export interface Joined {
  readonly nodeName: string;
  readonly systemId: string;
}

/**
 * Joins a machine: minted token, delivery, Node Ready, token deleted in the API and on the machine.
 * A machine that has joined already (an interrupted run) is only checked.
 * @param again an earlier try failed: failed units get another chance.
 */
export async function join(visit: Visit, operation: Operation, inputs: JoinInputs, again: boolean): Promise<Joined> {
  const { machine, wait } = visit;
  const { nodeName } = inputs;
  if (again) await restartFailed(machine);
  await waitInstalled(machine, wait);
  const identity = await readIdentity(machine);
  const cluster = await openCluster(inputs.kubeconfig, operation.signal);
  wait.progress.phase("asking the Kubernetes API");
  const node = await persist(wait.deadline, operation.signal, () => ifFound(cluster.core.readNode({ name: nodeName })));
  if (node !== undefined && isOf(node, identity.systemId) && isReady(node) && isInitialized(node))
    return rejoin(visit, operation, inputs);
  if (node !== undefined && !isOf(node, identity.systemId)) {
    operation.log.warn(
      `${nodeName}: the Node of this name was an earlier machine's; it is removed, and this machine joins in its place.`,
    );
    await persist(wait.deadline, operation.signal, () => ifFound(cluster.core.deleteNode({ name: nodeName })));
  }
  wait.progress.phase("making a join token");
  await withToken(
    cluster,
    inputs.kubeconfig,
    nodeName,
    wait.deadline,
    operation.signal,
    operation.log,
    async (token) => {
      const files = {
        ...lasting(inputs),
        [BOOTSTRAP_FILE]: bootstrapKubeconfig(token, inputs.server, `${CONFIGURATION_DIRECTORY}/secrets/${CA_FILE}`),
      };
      wait.progress.phase("delivering the join token");
      if ((await deliver(machine, files)) === "again") await reactivate(machine);
      await waitReady(visit, cluster, inputs, identity, [
        token.secret,
        `${token.id}.${token.secret}`,
        ...secretContents(files),
      ]);
    },
  );
  wait.progress.phase("removing the join token from the machine");
  await deliver(machine, lasting(inputs));
  return { nodeName, systemId: identity.systemId };
}

/** Delivers what a joined worker needs, without a token, and waits until its Node is Ready with it. */
export async function rejoin(visit: Visit, operation: Operation, inputs: JoinInputs): Promise<Joined> {
  const { machine, wait } = visit;
  const identity = await readIdentity(machine);
  const cluster = await openCluster(inputs.kubeconfig, operation.signal);
  wait.progress.phase("delivering the API's address and CA");
  if ((await deliver(machine, lasting(inputs))) === "again") await reactivate(machine);
  await waitReady(visit, cluster, inputs, identity, []);
  return { nodeName: inputs.nodeName, systemId: identity.systemId };
}

/** What stays on the machine after the join. */
function lasting(inputs: JoinInputs): Files {
  return { [CA_FILE]: inputs.caCertificate, [SETTINGS_FILE]: `API_SERVER=${inputs.server}\n` };
}

async function waitReady(
  { machine, wait }: Visit,
  cluster: Cluster,
  inputs: JoinInputs,
  identity: Identity,
  secrets: readonly string[],
): Promise<void> {
  let missing: string | undefined = "the Node to register";
  const look = async (): Promise<boolean> => {
    let node: V1Node | undefined;
    try {
      node = await ifFound(cluster.core.readNode({ name: inputs.nodeName }));
    } catch (error) {
      wait.signal.throwIfAborted();
      missing = `the Kubernetes API (${describeError(error)})`;
      return false;
    }
    if (node !== undefined && !isOf(node, identity.systemId)) {
      throw new Error(
        `${machine.name} (${machine.address}): another machine has registered as Node "${inputs.nodeName}"; nodeName must be the machine's own name.`,
      );
    }
    missing = node === undefined ? "the Node to register" : lacking(node, identity, inputs.podNetwork);
    return missing === undefined;
  };
  await waitHealthy(machine, wait, [inputs.privateKey, ...secrets], {
    ready: look,
    waitingFor: () => `waiting for ${missing ?? "the Node"}`,
  });
}

/** What a Node still needs to be this machine's and of use. */
function lacking(node: V1Node, identity: Identity, podNetwork: boolean): string | undefined {
  const address = internalAddress(node);
  if (identity.address !== undefined && address !== identity.address)
    return `the Node's address ${identity.address} (it says ${address ?? "none"})`;
  if (!isInitialized(node))
    return "the cloud controller manager (`kubectl -n kube-system logs ds/cloud-controller-manager` tells what keeps it)";
  if (!podNetwork && lacksOnlyNetwork(node)) return undefined;
  return isReady(node) ? undefined : `the Node to be Ready (${whyNotReady(node)})`;
}
