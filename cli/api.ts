/** What the cluster's API says of its Nodes and of etcd. */
import { describeError, openCluster } from "../provider/kubernetes/cluster.js";
import type { ApiFacts } from "./status.js";

/** Milliseconds for all answers. */
const patience = 15_000;

/** @param kubeconfig An administrator's. */
export async function askApi(kubeconfig: string): Promise<ApiFacts> {
  try {
    const { core } = await openCluster(kubeconfig, AbortSignal.timeout(patience));
    const [nodes, members] = await Promise.all([core.listNode(), memberHealth(core)]);
    return {
      nodes: nodes.items.map(({ metadata, status }) => ({
        name: metadata?.name ?? "",
        ready: status?.conditions?.find(({ type }) => type === "Ready")?.status === "True",
        version: (status?.nodeInfo?.kubeletVersion ?? "").replace(/^v/, ""),
      })),
      members,
    };
  } catch (error) {
    return describeError(error);
  }
}

/**
 * Each member as an API server reaches it, in the order of its `--etcd-servers`. Deprecated since Kubernetes 1.19 and served ever since:
 * the only answer of the API about single members.
 */
async function memberHealth(
  core: Awaited<ReturnType<typeof openCluster>>["core"],
): Promise<readonly boolean[] | undefined> {
  try {
    const { items } = await core.listComponentStatus();
    const members = items
      .flatMap(({ metadata, conditions }) => {
        const [, index] = /^etcd-(\d+)$/.exec(metadata?.name ?? "") ?? [];
        const healthy = conditions?.find(({ type }) => type === "Healthy")?.status === "True";
        return index === undefined ? [] : [{ index: Number(index), healthy }];
      })
      .sort((a, b) => a.index - b.index);
    return members.length > 0 ? members.map(({ healthy }) => healthy) : undefined;
  } catch {
    return undefined;
  }
}
