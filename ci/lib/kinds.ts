/** Resource types that reviewers must not overlook, and those that cost money. */
import type { Change } from "./changes.js";

export type Kind = "machine" | "volume" | "load balancer" | "key of a certificate authority";

const kinds: Readonly<Record<string, Kind>> = {
  "digitalocean:index/droplet:Droplet": "machine",
  "aws:ec2/instance:Instance": "machine",
  "digitalocean:index/volume:Volume": "volume",
  "aws:ebs/volume:Volume": "volume",
  "digitalocean:index/loadBalancer:LoadBalancer": "load balancer",
  "aws:lb/loadBalancer:LoadBalancer": "load balancer",
};

/** Undefined for everything else. */
export function kindOf(change: Pick<Change, "type" | "urn">): Kind | undefined {
  if (change.type === "tls:index/privateKey:PrivateKey" && change.urn.includes("corekube:pki:Authority$"))
    return "key of a certificate authority";
  return kinds[change.type];
}

/** Replaced or removed: what was there is lost, at least for a while. */
export function losses(changes: readonly Change[]): readonly Change[] {
  return changes.filter(
    (change) => (change.action === "replace" || change.action === "delete") && kindOf(change) !== undefined,
  );
}

/** Properties of machines, volumes and load balancers that decide what they cost. */
const priced = /^(size|sizeUnit|sizeSlug|instanceType|volumeType|type|iops|throughput|backups)$/;

/** Changes after which the cloud charges something else: machines, volumes and load balancers more, fewer, or of another size. */
export function costs(changes: readonly Change[]): readonly Change[] {
  return changes.filter((change) => {
    const kind = kindOf(change);
    if (kind === undefined || kind.startsWith("key")) return false;
    return (
      change.action === "create" ||
      change.action === "delete" ||
      change.properties.some(({ path }) => priced.test(path))
    );
  });
}
