/** Instances, as all machines of ours are. */
import * as pulumi from "@pulumi/pulumi";
import { Instance, type InstanceArgs } from "@pulumi/aws/ec2/instance.js";
import { instanceTags, type Tags } from "./names.js";

export interface MachineInstanceArgs {
  readonly ami: string;
  readonly size: pulumi.Input<string>;
  readonly subnetId: pulumi.Input<string>;
  readonly securityGroup: pulumi.Input<string>;
  readonly publicAddress: boolean;
  readonly keyName: pulumi.Input<string>;
  readonly instanceProfile?: pulumi.Input<string>;
  readonly userData: string;
  /** GB of the root disk. */
  readonly disk: number;
  readonly tags: Tags;
}

export function createInstance(name: string, args: MachineInstanceArgs, opts: pulumi.CustomResourceOptions): Instance {
  const tags = { ...args.tags, Name: name };
  const inputs: InstanceArgs = {
    ami: args.ami,
    instanceType: args.size,
    subnetId: args.subnetId,
    vpcSecurityGroupIds: [args.securityGroup],
    associatePublicIpAddress: args.publicAddress,
    keyName: args.keyName,
    ...(args.instanceProfile ? { iamInstanceProfile: args.instanceProfile } : {}),
    userData: args.userData,
    userDataReplaceOnChange: false,
    // Version 2 with one hop: nothing but the machine itself reads metadata and credentials, no pod and no forwarded request. The
    // machine finds its own name in its tags.
    metadataOptions: {
      httpEndpoint: "enabled",
      httpTokens: "required",
      httpPutResponseHopLimit: 1,
      instanceMetadataTags: "enabled",
    },
    rootBlockDevice: { volumeType: "gp3", volumeSize: args.disk, encrypted: true, deleteOnTermination: true, tags },
    disableApiTermination: false,
    tags: instanceTags(tags),
  };
  // User-data and key are read at the first boot only; changed user-data would stop the machine. A machine that was stopped has no public
  // address any more, which must not replace it: whether it has one follows from its subnet. Another type or disk is another machine, made after the
  // old one: the provider would stop all machines of a pool at once to change them.
  return new Instance(
    name,
    inputs,
    pulumi.mergeOptions(opts, {
      ignoreChanges: ["userData", "keyName", "associatePublicIpAddress"],
      replaceOnChanges: ["instanceType", "rootBlockDevice.volumeSize"],
      deleteBeforeReplace: true,
    }),
  );
}
