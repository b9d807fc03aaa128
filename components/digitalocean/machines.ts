/** Droplets, the volumes attached to them, and their image. */
import * as digitalocean from "@pulumi/digitalocean";
import { getVersion } from "@pulumi/digitalocean/utilities.js";
import * as pulumi from "@pulumi/pulumi";
import type { VolumeArgs } from "../cloud/cloud.js";
import type { ClusterSpec } from "../spec/cluster.js";

export interface DropletArgs {
  readonly region: string;
  readonly size: pulumi.Input<string>;
  readonly image: pulumi.Input<string>;
  readonly vpcId: pulumi.Input<string>;
  readonly sshKeyId: pulumi.Input<string>;
  readonly tags: readonly pulumi.Input<string>[];
  readonly userData: string;
}

/**
 * A droplet with the outputs that the program reads. The SDK's class has 30: each costs promises and memory for every worker, a fifth
 * of the processor time of a preview of 1,000 workers.
 */
export class Droplet extends pulumi.CustomResource {
  declare readonly ipv4Address: pulumi.Output<string>;
  declare readonly ipv4AddressPrivate: pulumi.Output<string>;

  constructor(name: string, args: digitalocean.DropletArgs, opts: pulumi.CustomResourceOptions) {
    super(
      "digitalocean:index/droplet:Droplet",
      name,
      { ...args, ipv4Address: undefined, ipv4AddressPrivate: undefined },
      pulumi.mergeOptions({ version: getVersion() }, opts),
    );
  }
}

export function createDroplet(name: string, args: DropletArgs, opts: pulumi.CustomResourceOptions): Droplet {
  return new Droplet(
    name,
    {
      name,
      region: args.region,
      size: args.size,
      image: args.image,
      vpcUuid: args.vpcId,
      sshKeys: [args.sshKeyId],
      tags: [...args.tags],
      userData: args.userData,
      monitoring: false,
      dropletAgent: false,
    },
    // User-data and keys are read at the first boot only: a change of them must not replace a machine. A change of size replaces it: the
    // provider would power off all droplets of a pool to resize them. The old droplet is deleted first, which frees its volumes and its
    // node's name.
    pulumi.mergeOptions(opts, {
      ignoreChanges: ["userData", "sshKeys"],
      replaceOnChanges: ["size"],
      deleteBeforeReplace: true,
    }),
  );
}

export interface AttachedVolumeArgs {
  readonly machine: string;
  readonly region: string;
  readonly droplet: Droplet;
  readonly volume: VolumeArgs;
  readonly protect: boolean;
  readonly tags: readonly pulumi.Input<string>[];
}

/** The volume has no file system: the machine creates one only where there is none, and so never over data. */
export function attachVolume(args: AttachedVolumeArgs, opts: pulumi.CustomResourceOptions): pulumi.Resource {
  const { size, suffix } = args.volume;
  const name = `${args.machine}-${suffix}`;
  const volume = new digitalocean.Volume(
    name,
    { name, region: args.region, size, description: `${suffix} of ${args.machine}`, tags: [...args.tags] },
    pulumi.mergeOptions(opts, { protect: args.protect }),
  );
  return new digitalocean.VolumeAttachment(
    name,
    { dropletId: args.droplet.id.apply(Number), volumeId: volume.id },
    // A volume has one attachment at a time: the old one is deleted before the new one is created.
    pulumi.mergeOptions(opts, { deleteBeforeReplace: true }),
  );
}

/** The image as droplets name it: a slug or id as it is, a custom image for an address. */
export function imageOf(
  spec: Pick<ClusterSpec, "name" | "region" | "image">,
  tags: readonly pulumi.Input<string>[],
  opts: pulumi.CustomResourceOptions,
): pulumi.Input<string> {
  const { name, region, image: url } = spec;
  if (!/^https?:\/\//.test(url)) return url;
  const image = new digitalocean.CustomImage(
    name,
    { name, url, regions: [region], description: `Machines of ${name}`, tags: [...tags] },
    // A change of tags would replace the image, and with it every machine. The next image comes before this one goes: otherwise the
    // engine takes away all machines that boot from it first, in no order. Images may share a name.
    pulumi.mergeOptions(opts, { ignoreChanges: ["tags"], deleteBeforeReplace: false }),
  );
  return image.imageId.apply(String);
}
