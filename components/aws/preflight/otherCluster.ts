/** Another stack's cluster of the same name: names of keys and roles, and the tags by which components find their cluster's resources, are the account's. */
import type { RecordedState } from "../../cloud/recordedState.js";
import type { ClusterSpec } from "../../spec/cluster.js";
import { clusterTag } from "../names.js";
import { type Ask, refuse } from "./ask.js";

/** Types of what the first run makes first: where the state has one, the cluster is this stack's. */
const first = ["aws:ec2/securityGroup:SecurityGroup", "aws:ec2/keyPair:KeyPair", "aws:ec2/vpc:Vpc"];

/** Nothing of the cluster has been made. */
export const isNewCluster = (recorded: RecordedState): boolean => first.every((type) => recorded.of(type).size === 0);

/** @throws pulumi.RunError before anything is made. */
export async function refuseOtherCluster(
  { name, region }: Pick<ClusterSpec, "name" | "region">,
  recorded: RecordedState,
  ask: Pick<Ask, "getSecurityGroups">,
): Promise<void> {
  if (!isNewCluster(recorded)) return;
  const tagged = (key: string, value: string) => ({ name: `tag:${key}`, values: [value] });
  const { ids, vpcIds } = await ask.getSecurityGroups({
    filters: [tagged(clusterTag(name), "owned"), tagged("Name", `${name}-controller`)],
  });
  if (ids.length === 0) return;
  refuse(
    "cluster_name",
    name,
    `a name that no other cluster of this account has in ${region}: security group ${ids[0]} of network ${vpcIds[0]} belongs to one, which is not in this stack's state`,
    "Set another: pulumi config set cluster_name <name>. If it is this stack's own, whose state was lost, remove what it has left in the account first",
  );
}
