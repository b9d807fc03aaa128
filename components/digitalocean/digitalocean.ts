/** A cluster's place on DigitalOcean: VPC, tags, SSH key, image and firewalls; makes droplets, volumes and load balancers. */
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import type {
  ApiLoadBalancers,
  Cloud,
  CloudArgs,
  CloudSurvey,
  Machine,
  MachineArgs,
  VolumeArgs,
} from "../cloud/cloud.js";
import { type Role, roles } from "../spec/cluster.js";
import { inboundRules, loadBalancerRules, outboundRules } from "./firewalls.js";
import { createLoadBalancer } from "./loadBalancers.js";
import { clusterTags, roleTag } from "./names.js";
import { digitaloceanProfile } from "./profile.js";

function byRole<T>(make: (role: Role) => T): Readonly<Record<Role, T>> {
  return Object.fromEntries(roles.map((role) => [role, make(role)])) as Record<Role, T>;
}

export class DigitalOcean extends pulumi.ComponentResource implements Cloud {
  readonly profile = digitaloceanProfile;
  readonly network: pulumi.Output<string>;
  private readonly spec: CloudArgs["spec"];
  private readonly firewall: CloudArgs["firewall"];
  private readonly vpc: digitalocean.Vpc;
  private readonly sshKey: digitalocean.SshKey;
  /** Of every droplet and volume. */
  private readonly tags: readonly pulumi.Input<string>[];
  private readonly roleTags: Readonly<Record<Role, digitalocean.Tag>>;
  private readonly firewalls: Readonly<Record<Role, digitalocean.Firewall>>;
  private readonly image: pulumi.Input<string>;

  constructor(name: string, args: CloudArgs, opts?: pulumi.ComponentResourceOptions) {
    const tags = clusterTags(args.spec);
    super("corekube:digitalocean:DigitalOcean", name, {}, opts);
    const child = { parent: this };
    const { spec } = args;
    this.spec = spec;
    this.firewall = args.firewall;
    this.vpc = new digitalocean.Vpc(
      name,
      { name, region: spec.region, ipRange: spec.nodeCidr, description: `Kubernetes cluster ${name}` },
      child,
    );
    this.network = this.vpc.id;
    this.sshKey = new digitalocean.SshKey(name, { name, publicKey: args.sshPublicKey }, child);
    const clusterTag = new digitalocean.Tag(name, { name: tags.cluster }, child);
    // The stack's own tags may be other clusters' too. The cloud makes them with the first droplet; deleting them is not ours.
    this.tags = [clusterTag.name, ...tags.own];
    this.roleTags = byRole((role) => new digitalocean.Tag(`${name}-${role}`, { name: roleTag(name, role) }, child));
    const sources = {
      adminCidrs: spec.adminCidrs,
      network: spec.nodeCidr,
      roleTags: byRole((role) => this.roleTags[role].name),
    };
    this.firewalls = byRole(
      (role) =>
        new digitalocean.Firewall(
          `${name}-${role}`,
          {
            name: `${name}-${role}`,
            tags: [this.roleTags[role].name],
            inboundRules: inboundRules(args.firewall, role, sources),
            outboundRules: outboundRules(),
          },
          child,
        ),
    );
    this.image = imageOf(name, spec, this.tags, child);
    this.registerOutputs({});
  }

  createMachine(args: MachineArgs, opts: pulumi.CustomResourceOptions): Machine {
    const droplet = new digitalocean.Droplet(
      args.name,
      {
        name: args.name,
        region: this.spec.region,
        size: args.size,
        image: this.image,
        vpcUuid: this.vpc.id,
        sshKeys: [this.sshKey.id],
        tags: [this.roleTags[args.role].name, ...this.tags],
        userData: args.userData,
        monitoring: false,
        dropletAgent: false,
      },
      // Both are read at the first boot only: a change of them must not replace a machine. The firewall comes first, so that the
      // machine is never open.
      // The cloud's provider would power all droplets of a pool off to resize them, with no gate before: another size is another
      // machine. It comes after the old one, for its volumes and its node's name are free only then.
      pulumi.mergeOptions(opts, {
        ignoreChanges: ["userData", "sshKeys"],
        replaceOnChanges: ["size"],
        deleteBeforeReplace: true,
        dependsOn: [this.firewalls[args.role]],
      }),
    );
    const attachments = (args.volumes ?? []).map((volume) => this.attachVolume(args.name, droplet, volume, opts));
    return {
      name: args.name,
      role: args.role,
      id: droplet.id,
      host: droplet.ipv4Address,
      publicIpv4: droplet.ipv4Address,
      privateIpv4: droplet.ipv4AddressPrivate,
      resources: [droplet, ...attachments],
    };
  }

  /** The volume has no file system: the machine makes one only where there is none, and so never over data. */
  private attachVolume(
    machine: string,
    droplet: digitalocean.Droplet,
    args: VolumeArgs,
    opts: pulumi.CustomResourceOptions,
  ): pulumi.Resource {
    const name = `${machine}-${args.suffix}`;
    const volume = new digitalocean.Volume(
      name,
      {
        name,
        region: this.spec.region,
        size: args.size,
        description: `${args.suffix} of ${machine}`,
        tags: [...this.tags],
      },
      pulumi.mergeOptions(opts, { protect: this.spec.deletionProtection }),
    );
    return new digitalocean.VolumeAttachment(
      name,
      { dropletId: droplet.id.apply(Number), volumeId: volume.id },
      // A volume has one attachment at a time: the old one goes before the new one comes.
      pulumi.mergeOptions(opts, { deleteBeforeReplace: true }),
    );
  }

  createApiLoadBalancers(opts: pulumi.CustomResourceOptions): ApiLoadBalancers {
    const { name, region, adminCidrs } = this.spec;
    const common = { region, vpcId: this.vpc.id, targetTag: this.roleTags.controller.name };
    const external = createLoadBalancer(
      `${name}-api`,
      { ...common, scope: "external", allowedCidrs: adminCidrs },
      opts,
    );
    const internal = createLoadBalancer(
      `${name}-api-internal`,
      { ...common, scope: "internal", allowedCidrs: [] },
      opts,
    );
    // Firewalls of their own: machines need not wait for load balancers, which take minutes.
    const firewalls = roles.flatMap((role) => {
      const rules = loadBalancerRules(this.firewall, role, [external.id, internal.id]);
      const firewall = `${name}-${role}-load-balancers`;
      return rules.length > 0
        ? [
            new digitalocean.Firewall(
              firewall,
              { name: firewall, tags: [this.roleTags[role].name], inboundRules: rules },
              opts,
            ),
          ]
        : [];
    });
    return { external: external.ip, internal: internal.ip, resources: [external, internal, ...firewalls] };
  }
}

/** There is nothing to ask: what it offers is in the profile. */
export const surveyDigitalOcean: CloudSurvey = async () => (args, opts) => new DigitalOcean(args.spec.name, args, opts);

/** The image as droplets name it: a slug or id as it is, a custom image for an address. */
function imageOf(
  name: string,
  spec: CloudArgs["spec"],
  tags: readonly pulumi.Input<string>[],
  opts: pulumi.CustomResourceOptions,
): pulumi.Input<string> {
  if (!/^https?:\/\//.test(spec.image)) {
    return spec.image;
  }
  const image = new digitalocean.CustomImage(
    name,
    { name, url: spec.image, regions: [spec.region], description: `Machines of ${name}`, tags: [...tags] },
    // A change of tags would replace the image, and with it every machine.
    pulumi.mergeOptions(opts, { ignoreChanges: ["tags"] }),
  );
  return image.imageId.apply(String);
}
