/** The steps of a worker's join, and of applying a changed API address or CA to a worker that has joined. */
import { z } from "zod";
import { secretsDirectory } from "../../components/contract/paths.js";
import { configure } from "../../components/rollout/provider/configure.js";
import { changingWorker } from "../../components/rollout/provider/drainGate.js";
import { changesMinor, emptyForUpgrade, takePodsAgain } from "../../components/rollout/provider/kubeletUpgrade.js";
import { rolloutPlan } from "../../components/rollout/provider/rolloutPlan.js";
import { versionOf } from "../../components/contract/versionNumbers.js";
import { joinShape } from "../../components/contract/resources.js";
import type { DeliveredFileName } from "../../components/contract/secretFiles.js";
import { credentials, type Credentials } from "../operation/settings.js";
import type { Properties } from "../rpc/properties.js";
import type { V1Node } from "@kubernetes/client-node";
import { describeError, ifFound, openCluster, persist, type Cluster } from "../kubernetes/cluster.js";
import { applyNodeSettings } from "../kubernetes/nodeSettings.js";
import { internalAddress, isInitialized, isOf, isReady, lacksOnlyNetwork, whyNotReady } from "../kubernetes/node.js";
import { bootstrapKubeconfig, withToken } from "../kubernetes/token.js";
import { deliver } from "../machine/deliver.js";
import { workerFiles } from "../machine/deliveryFiles.js";
import { reactivate, restartFailed, waitHealthy, waitInstalled } from "../machine/healthGate.js";
import { readConfiguration } from "../machine/configuration.js";
import { readIdentity, type MachineIdentity } from "../machine/machineIdentity.js";
import { secretContents } from "../operation/redact.js";
import { Deadline } from "../operation/timing.js";
import type { Operation } from "../operation/resourceKind.js";
import type { Machine } from "../ssh/machine.js";
import type { Session } from "./session.js";

const schema = z.object(joinShape);
/** The resource's inputs, with the login and the kubeconfig of the provider. */
export type JoinInputs = z.infer<typeof schema> & Credentials;

export function joinInputs(operation: Operation, given: Properties): JoinInputs {
  return { ...schema.parse(given), ...credentials(operation.settings) };
}

/** How long the API may be unavailable while a Node's labels are changed. */
const API_SECONDS = 60;

const CA_FILE = "ca.crt" satisfies DeliveredFileName;
const BOOTSTRAP_FILE = "bootstrap.kubeconfig" satisfies DeliveredFileName;

export interface Joined {
  readonly nodeName: string;
  readonly systemId: string;
  /** Digest of what the machine runs; empty if it was changed by hand. */
  readonly configuration: string;
}

/**
 * Joins a machine: token created, delivery, Node Ready, token deleted in the API and on the machine.
 * A machine that has joined already (an interrupted run) is only checked.
 * @param again An earlier try failed: failed units are restarted.
 */
export async function join(
  session: Session,
  operation: Operation,
  inputs: JoinInputs,
  again: boolean,
): Promise<Joined> {
  const { machine, wait } = session;
  const { nodeName } = inputs;
  if (again) await restartFailed(machine);
  await waitInstalled(machine, wait);
  const identity = await readIdentity(machine);
  const cluster = await openCluster(inputs.kubeconfig, operation.signal);
  wait.progress.phase("reading the Node");
  const node = await persist(wait.deadline, operation.signal, () => ifFound(cluster.core.readNode({ name: nodeName })));
  if (node !== undefined && isOf(node, identity.systemId) && isReady(node) && isInitialized(node))
    return change(session, operation, inputs);
  // One that was made in an earlier run may have another.
  await configure(machine, wait, inputs.configuration);
  if (node !== undefined && !isOf(node, identity.systemId)) {
    operation.log.warn(
      `${nodeName}: the Node with this name belongs to an earlier machine; it is removed, and this machine joins in its place.`,
    );
    await persist(wait.deadline, operation.signal, () => ifFound(cluster.core.deleteNode({ name: nodeName })));
  }
  wait.progress.phase("creating a join token");
  await withToken(
    cluster,
    inputs.kubeconfig,
    nodeName,
    wait.deadline,
    operation.signal,
    operation.log,
    async (token) => {
      const files = {
        ...workerFiles(inputs.server, inputs.caCertificate),
        [BOOTSTRAP_FILE]: bootstrapKubeconfig(token, inputs.server, `${secretsDirectory}/${CA_FILE}`),
      };
      wait.progress.phase("delivering the join token");
      if ((await deliver(machine, files)) === "again") await reactivate(machine);
      await waitReady(session, cluster, inputs, identity, [
        token.secret,
        `${token.id}.${token.secret}`,
        ...secretContents(files),
      ]);
    },
  );
  wait.progress.phase("removing the join token from the machine");
  await deliver(machine, workerFiles(inputs.server, inputs.caCertificate));
  return joined(machine, nodeName, identity);
}

/** Delivers the configuration and the files of a joined worker, without a token, and waits until its Node is Ready with them. */
async function rejoin(session: Session, operation: Operation, inputs: JoinInputs): Promise<Joined> {
  const { machine, wait } = session;
  const identity = await readIdentity(machine);
  const cluster = await openCluster(inputs.kubeconfig, operation.signal);
  wait.progress.phase("delivering the API's address and CA");
  const delivered = await deliver(machine, workerFiles(inputs.server, inputs.caCertificate));
  if (!(await configure(machine, wait, inputs.configuration)) && delivered === "again") await reactivate(machine);
  await waitReady(session, cluster, inputs, identity, []);
  await takePodsAgain(cluster, inputs.nodeName, operation.signal);
  return joined(machine, inputs.nodeName, identity);
}

/**
 * The same for a worker that serves, whose kubelet may be restarted by it: once enough others of its pool are available, and without
 * pods where its kubelet gets another minor version.
 */
export async function change(session: Session, operation: Operation, inputs: JoinInputs): Promise<Joined> {
  const cluster = await openCluster(inputs.kubeconfig, operation.signal);
  const { progress } = session.wait;
  return changingWorker(operation, cluster, inputs.machine, progress, async (node) => {
    const drainTimeout = rolloutPlan.drainTimeout ?? inputs.drainTimeout;
    if (
      drainTimeout > 0 &&
      node !== undefined &&
      changesMinor(node, rolloutPlan.versions(inputs.configuration)["kubelet"])
    )
      await emptyForUpgrade(cluster, node, {
        signal: operation.signal,
        deadline: new Deadline(drainTimeout),
        progress,
        log: operation.log,
      });
    return rejoin(session, operation, inputs);
  });
}

/** Labels and taints of a worker that has joined. */
export async function updateNode(operation: Operation, inputs: JoinInputs): Promise<void> {
  const cluster = await openCluster(inputs.kubeconfig, operation.signal);
  const found = await persist(new Deadline(API_SECONDS), operation.signal, async () => {
    const node = await ifFound(cluster.core.readNode({ name: inputs.nodeName }));
    if (node !== undefined) await applyNodeSettings(cluster, node, inputs);
    return node !== undefined;
  });
  if (!found)
    throw new Error(
      `${inputs.nodeName}: the Node object is gone, so its labels and taints cannot be changed. Join the machine again: pulumi refresh && pulumi up`,
    );
}

async function joined(machine: Machine, nodeName: string, { systemId }: MachineIdentity): Promise<Joined> {
  return { nodeName, systemId, configuration: await readConfiguration(machine) };
}

async function waitReady(
  { machine, wait }: Session,
  cluster: Cluster,
  inputs: JoinInputs,
  identity: MachineIdentity,
  secrets: readonly string[],
): Promise<void> {
  let missing: string | undefined = "the Node to register";
  const look = async (): Promise<boolean> => {
    let node: V1Node | undefined;
    try {
      node = await ifFound(cluster.core.readNode({ name: inputs.nodeName }));
      // Before pods may run there: the Node is not ready when it registers.
      if (node !== undefined && isOf(node, identity.systemId)) await applyNodeSettings(cluster, node, inputs);
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
    missing =
      node === undefined
        ? "the Node to register"
        : lacking(node, identity, inputs.podNetwork, rolloutPlan.versions(inputs.configuration)["kubelet"]);
    return missing === undefined;
  };
  await waitHealthy(machine, wait, [inputs.privateKey, ...secrets], {
    ready: look,
    waitingFor: () => `waiting for ${missing ?? "the Node"}`,
  });
}

/** What a Node still lacks to be this machine's and usable. */
function lacking(
  node: V1Node,
  identity: MachineIdentity,
  podNetwork: boolean,
  kubelet: string | undefined,
): string | undefined {
  const reported = node.status?.nodeInfo?.kubeletVersion ?? "none";
  if (kubelet !== undefined && versionOf(reported) !== kubelet)
    return `the Node's kubelet to have version ${kubelet} (it reports ${reported})`;
  const address = internalAddress(node);
  if (identity.address !== undefined && address !== identity.address)
    return `the Node's address ${identity.address} (it reports ${address ?? "none"})`;
  if (!isInitialized(node))
    return "the cloud controller manager (see `kubectl -n kube-system logs ds/cloud-controller-manager`)";
  if (!podNetwork && lacksOnlyNetwork(node)) return undefined;
  return isReady(node) ? undefined : `the Node to be Ready (${whyNotReady(node)})`;
}
