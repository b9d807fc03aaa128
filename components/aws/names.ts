/** Names and tags of a cluster on AWS. Pure. */
import { createHash } from "node:crypto";
import type { ClusterSpec } from "../spec/cluster.js";

export type Tags = Readonly<Record<string, string>>;

/** By its tag, the cloud controller manager and the CSI driver know what is the cluster's own: https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export function clusterTag(cluster: string): string {
  return `kubernetes.io/cluster/${cluster}`;
}

/** Tags of every resource of a cluster. */
export function clusterTags(spec: Pick<ClusterSpec, "name" | "tags">): Tags {
  return { ...spec.tags, KubernetesCluster: spec.name, [clusterTag(spec.name)]: "owned" };
}

/**
 * Tags of every instance: those without a slash. An instance that reads its own tags, as ours read their names, must have no other
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html): AWS refuses to start it. The cloud controller manager takes `KubernetesCluster` for it too.
 */
export function instanceTags(tags: Tags): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !key.includes("/")));
}

/** A name of at most so many characters: a longer one is cut, and ends with a mark of the whole. */
export function shortened(name: string, most: number): string {
  if (name.length <= most) return name;
  const mark = createHash("sha256").update(name).digest("hex").slice(0, 6);
  return `${name.slice(0, most - mark.length - 1).replace(/-+$/, "")}-${mark}`;
}
