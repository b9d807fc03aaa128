/** The resources of a cluster on DigitalOcean: VPC, tags, SSH key, image and firewalls; creates droplets, volumes and load balancers. */
import * as digitalocean from "@pulumi/digitalocean";
import * as pulumi from "@pulumi/pulumi";
import type { ApiLoadBalancers, Cloud, CloudArgs, CloudPreflight, Machine, MachineArgs } from "../cloud/cloud.js";
import { type ClusterSpec, type Role, roles } from "../spec/cluster.js";
import { inboundRules, loadBalancerRules, outboundRules } from "./firewall.js";
import { createLoadBalancer } from "./loadBalancers.js";
import { attachVolume, createDroplet, imageOf } from "./machines.js";
import { clusterTags, roleTag } from "./names.js";
import { runPreflight } from "./preflight.js";
import { digitaloceanProfile } from "./profile.js";

function byRole<T>(make: (role: Role) => T): Readonly<Record<Role, T>> {
  return Object.fromEntries(roles.map((role) => [role, make(role)])) as Record<Role, T>;
}

export class DigitalOcean extends pulumi.ComponentResource implements Cloud {
  readonly profile = digitaloceanProfile;
  readonly network: pulumi.Output<string>;
  private readonly firewall: CloudArgs["firewall"];
  private readonly vpc: digitalocean.Vpc;
  private readonly sshKey: digitalocean.SshKey;
  /** Of every droplet and volume. */
  private readonly tags: readonly pulumi.Input<string>[];
  private readonly roleTags: Readonly<Record<Role, digitalocean.Tag>>;
  private readonly firewalls: Readonly<Record<Role, digitalocean.Firewall>>;
  private readonly image: pulumi.Input<string>;

  constructor(
    private readonly spec: ClusterSpec,
    args: CloudArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { name } = spec;
    const tags = clusterTags(spec);
    super("corekube:digitalocean:DigitalOcean", name, {}, opts);
    const child = { parent: this };
    this.firewall = args.firewall;
    this.vpc = new digitalocean.Vpc(
      name,
      { name, region: spec.region, ipRange: spec.nodeCidr, description: `Kubernetes cluster ${name}` },
      child,
    );
    this.network = this.vpc.id;
    this.sshKey = new digitalocean.SshKey(name, { name, publicKey: args.sshPublicKey }, child);
    const clusterTag = new digitalocean.Tag(name, { name: tags.cluster }, child);
    // Other clusters may use the stack's own tags too: the cloud creates them with the first droplet, and the program does not delete them.
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
    this.image = imageOf(spec, this.tags, child);
    this.registerOutputs({});
  }

  /** Load balancers find controllers by their tag, so that `args.behind` needs nothing here. */
  createMachine(args: MachineArgs, opts: pulumi.CustomResourceOptions): Machine {
    const { region, deletionProtection } = this.spec;
    const droplet = createDroplet(
      args.name,
      {
        region,
        size: args.size,
        image: this.image,
        vpcId: this.vpc.id,
        sshKeyId: this.sshKey.id,
        tags: [this.roleTags[args.role].name, ...this.tags],
        userData: args.userData,
      },
      // The firewall comes first, so that the machine is never open.
      pulumi.mergeOptions(opts, { dependsOn: [this.firewalls[args.role]] }),
    );
    const attachments = (args.volumes ?? []).map((volume) =>
      attachVolume({ machine: args.name, region, droplet, volume, protect: deletionProtection, tags: this.tags }, opts),
    );
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
    // Separate firewalls, so that machines need not wait for load balancers, which take minutes.
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

export const preflight: CloudPreflight = async (spec) => {
  const { getAccount, getDroplets, getImage, getRegion, getTags, getVpc } = digitalocean;
  await runPreflight(spec, { getAccount, getDroplets, getImage, getRegion, getTags, getVpc });
  return (args, opts) => new DigitalOcean(spec, args, opts);
};
