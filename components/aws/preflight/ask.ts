/** Questions to AWS, and how a setting is refused that does not agree with an answer. */
import type * as amiModule from "@pulumi/aws/ec2/getAmi.js";
import type * as offeringsModule from "@pulumi/aws/ec2/getInstanceTypeOfferings.js";
import type * as groupsModule from "@pulumi/aws/ec2/getSecurityGroups.js";
import type * as subnetModule from "@pulumi/aws/ec2/getSubnet.js";
import type * as vpcModule from "@pulumi/aws/ec2/getVpc.js";
import { configError } from "../../cloud/configError.js";

export interface Ask {
  readonly getAmi: typeof amiModule.getAmi;
  readonly getSubnet: typeof subnetModule.getSubnet;
  readonly getVpc: typeof vpcModule.getVpc;
  readonly getSecurityGroups: typeof groupsModule.getSecurityGroups;
  readonly getInstanceTypeOfferings: typeof offeringsModule.getInstanceTypeOfferings;
  readonly getAvailabilityZones: (args: {
    readonly filters: { readonly name: string; readonly values: string[] }[];
  }) => Promise<{ readonly names: string[] }>;
}

export function refuse(path: string, got: string, allowed: string, fix: string): never {
  throw configError(`corekube:${path}: got ${got}; allowed: ${allowed}. ${fix}`);
}

/** The service's message, in one line. */
export function reason(error: unknown): string {
  return String(error instanceof Error ? error.message : error).replace(/\s+/g, " ");
}
