/** Clusters whose user-data is kept as goldens, made from settings as a stack has them. */
import { cloudNamed } from "../../../components/clouds.js";
import { renderUserData } from "../../../components/nodeconfig/index.js";
import { type ClusterSpec, type Role, roles } from "../../../components/spec/cluster.js";
import { clusterSpec } from "../../../infra/config.js";

const settings: Readonly<Record<string, string>> = {
  "corekube:region": "fra1",
  "corekube:admin_cidrs": '["192.0.2.1/32"]',
  "corekube:node_count": "2",
};

export const clusters: Readonly<Record<"single" | "ha" | "aws", ClusterSpec>> = {
  /** As the defaults have it: originals, no further keys. */
  single: clusterSpec(settings),
  /** Everything that shows in user-data is set. */
  ha: clusterSpec({
    ...settings,
    "corekube:cluster_name": "prod",
    "corekube:high_availability": "true",
    "corekube:etcd": '{"count": 5, "data_disk": 20480}',
    "corekube:service_cidr": "10.100.0.0/16",
    "corekube:pod_cidr": "10.32.0.0/12",
    "corekube:node_port_range": "30000-37000",
    "corekube:cluster_domain": "prod.example",
    "corekube:ssh_public_keys":
      '["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ada@example"]',
    "corekube:mirrors": JSON.stringify({
      releases: "https://mirror.example/releases/",
      registries: { "registry.k8s.io": "https://mirror.example:5000/kubernetes", "ghcr.io": "http://192.0.2.9:5000" },
    }),
  }),
  /** On AWS, with its cloud controller manager. */
  aws: clusterSpec({
    ...settings,
    "corekube:cloud": "aws",
    "corekube:region": "eu-central-1",
    "aws:region": "eu-central-1",
    "corekube:high_availability": "true",
    "corekube:cloud_provider": "aws",
    "corekube:aws": '{"machines": "private"}',
  }),
};

export { roles };

export function userData(cluster: keyof typeof clusters, role: Role): string {
  return renderUserData(clusters[cluster], role, cloudNamed(clusters[cluster].cloud).profile);
}

/** Every cluster and role. */
export const cases = (Object.keys(clusters) as (keyof typeof clusters)[]).flatMap((cluster) =>
  roles.map((role) => ({ cluster, role, name: `${role}-${cluster}` })),
);
