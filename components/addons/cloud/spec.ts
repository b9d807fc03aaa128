import type { ClusterSpec as Spec } from "../../spec/cluster.js";

/** What the description says where the cloud is AWS. */
export interface AwsPart {
  readonly volumeType: string;
  readonly endpoints?: { readonly ec2?: string; readonly elasticloadbalancing?: string; readonly sts?: string };
}
export type ClusterSpec = Spec & { readonly csiDriver?: boolean; readonly aws?: AwsPart };

export function awsOf(spec: ClusterSpec): AwsPart {
  return spec.aws ?? { volumeType: "gp3" };
}
