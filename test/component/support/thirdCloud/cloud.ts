/** The third cloud's resources. */
import * as pulumi from "@pulumi/pulumi";
import type {
  ApiLoadBalancers,
  Cloud,
  CloudArgs,
  CloudPreflight,
  Machine,
  MachineArgs,
} from "../../../../components/cloud/cloud.js";
import type { FirewallRule } from "../../../../components/cloud/firewall.js";
import type { ClusterSpec } from "../../../../components/spec/cluster.js";
import { profile } from "./profile.js";
import { tinyTypes } from "./types.js";

class Resource extends pulumi.CustomResource {
  declare readonly address: pulumi.Output<string>;

  constructor(type: string, name: string, inputs: pulumi.Inputs, opts?: pulumi.CustomResourceOptions) {
    super(type, name, { ...inputs, address: undefined }, opts);
  }
}

class Tiny extends pulumi.ComponentResource implements Cloud {
  readonly profile = profile;
  readonly network: pulumi.Output<string>;
  private readonly firewall: Resource;

  constructor(
    private readonly spec: ClusterSpec,
    args: CloudArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("corekube:tiny:Tiny", spec.name, {}, opts);
    const networks = (from: FirewallRule["from"]): string[] => [
      ...(from.includes("admin") ? spec.adminCidrs : []),
      ...(from.includes("everyone") ? ["0.0.0.0/0"] : []),
      ...from.flatMap((source) => (typeof source === "string" ? [] : [source.cidr])),
    ];
    const open = args.firewall.map(({ protocol, ports, from }) => ({ protocol, ...ports, networks: networks(from) }));
    this.firewall = new Resource(tinyTypes.firewall, spec.name, { open }, { parent: this });
    this.network = this.firewall.id;
    this.registerOutputs({});
  }

  createMachine(args: MachineArgs, opts: pulumi.CustomResourceOptions): Machine {
    const { tags, image, deletionProtection } = this.spec;
    const machine = new Resource(
      tinyTypes.machine,
      args.name,
      {
        size: args.size,
        image,
        tags,
        userData: args.userData,
        firewall: this.firewall.id,
        balancer: args.behind?.external ?? "",
      },
      opts,
    );
    const attached = (args.volumes ?? []).map(({ suffix, size }) => {
      const name = `${args.name}-${suffix}`;
      const protect = { ...opts, protect: deletionProtection };
      const volume = new Resource(tinyTypes.volume, name, { size, tags, encrypted: true }, protect);
      return new Resource(tinyTypes.attachment, name, { machineId: machine.id, volumeId: volume.id }, opts);
    });
    return {
      name: args.name,
      role: args.role,
      id: machine.id,
      host: machine.address,
      publicIpv4: machine.address,
      privateIpv4: machine.address,
      resources: [machine, ...attached],
    };
  }

  createApiLoadBalancers(opts: pulumi.CustomResourceOptions): ApiLoadBalancers {
    const [external, internal] = ["api", "api-internal"].map(
      (name) => new Resource(tinyTypes.loadBalancer, `${this.spec.name}-${name}`, {}, opts),
    ) as [Resource, Resource];
    return { external: external.address, internal: internal.address, resources: [external, internal] };
  }
}

export const preflight: CloudPreflight = async (spec) => (args, opts) => new Tiny(spec, args, opts);
