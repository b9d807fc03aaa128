/** What two clusters of one account cannot share, asked before anything is made: a name, and addresses of their networks. */
import type * as dropletsModule from "@pulumi/digitalocean/getDroplets.js";
import type * as tagsModule from "@pulumi/digitalocean/getTags.js";
import type * as vpcModule from "@pulumi/digitalocean/getVpc.js";
import type { RecordedState } from "../cloud/recordedState.js";
import { overlap, prefixLength } from "../spec/cidr.js";
import { type ClusterSpec, roles } from "../spec/cluster.js";
import { freeNetwork } from "../spec/freeNetwork.js";
import { clusterTags, roleTag } from "./names.js";
import { digitaloceanProfile } from "./profile.js";
import { refuse } from "./refuse.js";

export interface AskOthers {
  readonly getDroplets: typeof dropletsModule.getDroplets;
  readonly getTags: typeof tagsModule.getTags;
  readonly getVpc: typeof vpcModule.getVpc;
}

const vpcType = "digitalocean:index/vpc:Vpc";

/** Types of what the first run makes first: where the state has one, the cluster is this stack's. */
const first = [vpcType, "digitalocean:index/tag:Tag", "digitalocean:index/sshKey:SshKey"];

/** @throws pulumi.RunError naming the setting that another cluster of the account has. */
export async function refuseOtherClusters(spec: ClusterSpec, recorded: RecordedState, ask: AskOthers): Promise<void> {
  if (first.every((type) => recorded.of(type).size === 0)) await refuseSameName(spec, ask);
  if (recorded.of(vpcType).size === 0) await refuseSameNetwork(spec, ask);
}

/** Tags are the account's, in all regions: two clusters of one name would share machines, firewalls and load balancers, and one would take the other's away. */
async function refuseSameName(spec: ClusterSpec, ask: AskOthers): Promise<void> {
  const { name } = spec;
  const values = [clusterTags(spec).cluster, ...roles.map((role) => roleTag(name, role))];
  const { tags } = await ask.getTags({ filters: [{ key: "name", values, matchBy: "exact" }] });
  // Tags of DigitalOcean know no upper and lower case.
  const taken = tags.find((tag) => values.some((value) => value.toLowerCase() === tag.name.toLowerCase()));
  if (taken === undefined) return;
  refuse(
    "cluster_name",
    name,
    `a name that no other cluster of this account has, in any region: the tag ${taken.name} exists, with ${taken.dropletsCount} droplets and ${taken.volumesCount} volumes that are not in this stack's state`,
    taken.totalResourceCount > 0
      ? "Set another: pulumi config set cluster_name <name>"
      : `Set another, or, if nothing uses the tag any more, delete it: doctl compute tag delete ${taken.name}`,
  );
}

/**
 * Ranges of VPCs may not overlap in an account, in all regions: https://docs.digitalocean.com/products/networking/vpc/details/limits/
 * The provider lists no VPCs; those that have droplets are found by these.
 */
async function refuseSameNetwork(spec: ClusterSpec, ask: AskOthers): Promise<void> {
  const { nodeCidr, podCidr, serviceCidr } = spec;
  const { droplets } = await ask.getDroplets();
  const ids = [...new Set(droplets.map(({ vpcUuid }) => vpcUuid))].filter(Boolean);
  const vpcs = await Promise.all(ids.map((id) => ask.getVpc({ id })));
  const taken = vpcs.find(({ ipRange }) => overlap(ipRange, nodeCidr));
  if (taken === undefined) return;
  const others = [...vpcs.map(({ ipRange }) => ipRange), podCidr, serviceCidr];
  const free = freeNetwork(prefixLength(nodeCidr), [...others, ...digitaloceanProfile.privateNetwork.reserved]);
  refuse(
    "node_cidr",
    nodeCidr,
    `a network that overlaps with no other VPC of this account, in any region: ${taken.name} in ${taken.region} has ${taken.ipRange}`,
    `Set another: pulumi config set node_cidr ${free ?? "<network>"}`,
  );
}
