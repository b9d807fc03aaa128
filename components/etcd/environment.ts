/** What an etcd member must know of the others. Pure. */

export interface Member {
  readonly name: string;
  /** In the private network. */
  readonly address: string;
}

export function clientUrl(address: string): string {
  return `https://${address}:2379`;
}

export function peerUrl(address: string): string {
  return `https://${address}:2380`;
}

/** The file `cluster.env` of every member of a new cluster: the same for all, so that a member is told from another by its host name. */
export function memberEnvironment(members: readonly Member[]): string {
  const initial = members.map((member) => `${member.name}=${peerUrl(member.address)}`).join(",");
  return `ETCD_INITIAL_CLUSTER=${initial}\nETCD_INITIAL_CLUSTER_STATE=new\n`;
}
