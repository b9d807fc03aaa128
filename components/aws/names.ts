/** Names and tags of a cluster on AWS. Pure. */
import { createHash } from "node:crypto";
import type { ClusterSpec } from "../spec/cluster.js";

export type Tags = Readonly<Record<string, string>>;

/** Tag by which the cloud controller manager and the CSI driver recognize the cluster's resources: https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export function clusterTag(cluster: string): string {
  return `kubernetes.io/cluster/${cluster}`;
}

/** Tag of a machine with the setting `image` that it was made by: its own image has only an id. */
export const imageTag = "Image";

/** Tags of every resource of a cluster. */
export function clusterTags(spec: Pick<ClusterSpec, "name" | "tags">): Tags {
  return { ...spec.tags, KubernetesCluster: spec.name, [clusterTag(spec.name)]: "owned" };
}

/**
 * Tags of every instance: those without a slash. Machines read their names from their tags, and EC2 refuses to start an instance
 * with a slash in a tag if it may read its tags (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html).
 * The cloud controller manager accepts `KubernetesCluster` as well.
 */
export function instanceTags(tags: Tags): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !key.includes("/")));
}

/** A name of at most `most` characters: a longer one is cut and ends with a digest of the whole name. */
export function shortened(name: string, most: number): string {
  if (name.length <= most) return name;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 6);
  return `${name.slice(0, most - digest.length - 1).replace(/-+$/, "")}-${digest}`;
}
