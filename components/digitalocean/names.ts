/** DigitalOcean's tags of a cluster. Names are exact, so that cluster `dev` does not match `dev2`. Pure. */
import type { ClusterSpec, Role } from "../spec/cluster.js";

/** Tag of every machine of the cluster that has the role; firewalls and load balancers find machines by it. */
export function roleTag(cluster: string, role: Role): string {
  return `corekube:${cluster}:${role}`;
}

/** Tags of every droplet and volume of a cluster. */
export interface ClusterTags {
  /** `KubernetesCluster:<name>`: of this cluster only. */
  readonly cluster: string;
  /** The stack's own tags, as `key:value` or `key` alone; other clusters may use them too. */
  readonly own: readonly string[];
}

/** What DigitalOcean accepts in a tag is in `digitaloceanProfile.tags`; settings are checked against it. */
export function clusterTags(spec: Pick<ClusterSpec, "name" | "tags">): ClusterTags {
  const own = Object.entries(spec.tags)
    .filter(([key]) => key !== "KubernetesCluster")
    .map(([key, value]) => (value === "" ? key : `${key}:${value}`));
  return { cluster: `KubernetesCluster:${spec.name}`, own: own.sort() };
}
