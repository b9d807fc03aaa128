/**
 * Another minor version of the kubelet under running pods is not supported, so the node is drained before, and takes pods again after:
 * https://kubernetes.io/releases/version-skew-policy/#kubelet
 */
import type { V1Node } from "@kubernetes/client-node";
import { ifFound, persist, type Cluster } from "../../../provider/kubernetes/cluster.js";
import { drain, type DrainOptions } from "../../../provider/kubernetes/drain.js";
import { limits } from "../../../provider/operation/limits.js";
import { Deadline } from "../../../provider/operation/timing.js";
import { minorOf, versionOf } from "../../contract/versionNumbers.js";

/** On a Node that was cordoned for its kubelet's upgrade, and not by somebody else. An interrupted run leaves it for the next one. */
const MARK = "corekube.io/cordoned-for-upgrade";
const MARK_PATH = "/metadata/annotations/corekube.io~1cordoned-for-upgrade";

/** Whether the kubelet of this Node has another minor version than it is to have. */
export function changesMinor(node: V1Node, kubelet: string | undefined): boolean {
  const now = node.status?.nodeInfo?.kubeletVersion;
  return kubelet !== undefined && now !== undefined && minorOf(versionOf(now)) !== minorOf(kubelet);
}

/**
 * Cordons and drains the Node.
 * @throws as `drain`: pods are left and the time is up. The Node stays cordoned then.
 */
export async function emptyForUpgrade(cluster: Cluster, node: V1Node, options: DrainOptions): Promise<void> {
  const name = node.metadata!.name!;
  if (node.spec?.unschedulable !== true)
    await persist(new Deadline(limits.api), options.signal, () =>
      cluster.core.patchNode({
        name,
        body: [
          ...(node.metadata?.annotations === undefined
            ? [{ op: "add", path: "/metadata/annotations", value: {} }]
            : []),
          { op: "add", path: MARK_PATH, value: "true" },
          { op: "add", path: "/spec/unschedulable", value: true },
        ],
      }),
    );
  await drain(cluster, name, options);
}

/** Lets the Node take pods again if it was cordoned for an upgrade. */
export async function takePodsAgain(cluster: Cluster, name: string, signal: AbortSignal): Promise<void> {
  await persist(new Deadline(limits.api), signal, async () => {
    const node = await ifFound(cluster.core.readNode({ name }));
    if (node?.metadata?.annotations?.[MARK] === undefined) return;
    const cordoned = node.spec?.unschedulable === true;
    await cluster.core.patchNode({
      name,
      body: [...(cordoned ? [{ op: "remove", path: "/spec/unschedulable" }] : []), { op: "remove", path: MARK_PATH }],
    });
  });
}
