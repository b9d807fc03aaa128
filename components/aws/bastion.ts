/** The machine that forwards SSH to those without public addresses, and does nothing else. */
import * as pulumi from "@pulumi/pulumi";
import { Eip } from "@pulumi/aws/ec2/eip.js";
import { renderBastionUserData } from "../nodeconfig/index.js";
import type { ClusterSpec } from "../spec/cluster.js";
import type { Group } from "./firewall.js";
import { createInstance } from "./machines.js";
import type { Tags } from "./names.js";
import { bastionDisk } from "./profile.js";

export interface BastionArgs {
  readonly spec: ClusterSpec;
  readonly ami: string;
  readonly size: string;
  readonly subnetId: pulumi.Input<string>;
  readonly group: Group;
  readonly keyName: pulumi.Input<string>;
  readonly tags: Tags;
  readonly routes: readonly pulumi.Resource[];
}

export interface Bastion {
  readonly address: pulumi.Output<string>;
  /**
   * Machines are made and replaced after them: a change of the image or of its size replaces the bastion first, and the gates of a
   * rollout ask through it.
   */
  readonly resources: readonly pulumi.Resource[];
}

/** Its address outlives it: gates ask machines through the address that the state has of them. */
export function createBastion(args: BastionArgs, opts: pulumi.CustomResourceOptions): Bastion {
  const name = `${args.spec.name}-bastion`;
  const instance = createInstance(
    name,
    {
      ami: args.ami,
      image: args.spec.image,
      size: args.size,
      subnetId: args.subnetId,
      securityGroup: args.group.id,
      publicAddress: false,
      keyName: args.keyName,
      userData: renderBastionUserData(args.spec),
      disk: bastionDisk,
      tags: args.tags,
    },
    // It stays where it is when there is another first zone.
    pulumi.mergeOptions(opts, { dependsOn: [...args.group.ready, ...args.routes], ignoreChanges: ["subnetId"] }),
  );
  const address = new Eip(
    name,
    { domain: "vpc", instance: instance.id, tags: { ...args.tags, Name: name } },
    pulumi.mergeOptions(opts, { dependsOn: [...args.routes] }),
  );
  return { address: address.publicIp, resources: [instance, address] };
}
