/** The cluster's network on AWS: a new one, or one that exists, which is not changed. */
import type * as pulumi from "@pulumi/pulumi";
import { Eip } from "@pulumi/aws/ec2/eip.js";
import { InternetGateway } from "@pulumi/aws/ec2/internetGateway.js";
import { NatGateway } from "@pulumi/aws/ec2/natGateway.js";
import { Route } from "@pulumi/aws/ec2/route.js";
import { RouteTable } from "@pulumi/aws/ec2/routeTable.js";
import { RouteTableAssociation } from "@pulumi/aws/ec2/routeTableAssociation.js";
import { Subnet } from "@pulumi/aws/ec2/subnet.js";
import { Vpc } from "@pulumi/aws/ec2/vpc.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { subnetCidr, type SubnetKind } from "./cidrs.js";
import type { Tags } from "./names.js";
import type { ExistingNetwork } from "./preflight/network.js";
import type { AwsSpec } from "./settings.js";

const anywhere = "0.0.0.0/0";

export interface Network {
  readonly vpcId: pulumi.Input<string>;
  /** Zone to subnet with a route from the internet. */
  readonly publicSubnets: ReadonlyMap<string, pulumi.Input<string>>;
  /** Zone to subnet of machines: the public one, or the private one. */
  readonly machineSubnets: ReadonlyMap<string, pulumi.Input<string>>;
  /** Resources without which machines have no route to the internet. */
  readonly routes: readonly pulumi.Resource[];
}

export interface NetworkArgs {
  readonly spec: Pick<ClusterSpec, "name" | "nodeCidr">;
  readonly aws: Pick<AwsSpec, "machines" | "nat">;
  readonly zones: readonly string[];
  readonly tags: Tags;
}

/** The network that exists, as the preflight has found it. */
export function existingNetwork(network: ExistingNetwork, aws: Pick<AwsSpec, "machines">): Network {
  return {
    vpcId: network.vpcId,
    publicSubnets: network.publicSubnets,
    machineSubnets: aws.machines === "private" ? network.privateSubnets : network.publicSubnets,
    routes: [],
  };
}

/** Creates the network as children of `opts.parent`. Resources of a zone do not depend on another zone's. */
export function createNetwork({ spec, aws, zones, tags }: NetworkArgs, opts: pulumi.CustomResourceOptions): Network {
  const { name } = spec;
  const called = (what: string): Tags => ({ ...tags, Name: what });
  // Names of load balancers must resolve inside the network.
  const vpc = new Vpc(
    name,
    { cidrBlock: spec.nodeCidr, enableDnsSupport: true, enableDnsHostnames: true, tags: called(name) },
    opts,
  );
  const gateway = new InternetGateway(name, { vpcId: vpc.id, tags: called(name) }, opts);
  const isPrivate = aws.machines === "private";

  const subnet = (kind: SubnetKind, zone: string): Subnet => {
    const what = `${name}-${kind}-${zone}`;
    // The cloud controller manager puts load balancers of Services here, internal ones beside the machines.
    const marks = {
      ...(kind === "public" ? { "kubernetes.io/role/elb": "1" } : {}),
      ...(kind === "private" || !isPrivate ? { "kubernetes.io/role/internal-elb": "1" } : {}),
    };
    return new Subnet(
      what,
      {
        vpcId: vpc.id,
        availabilityZone: zone,
        cidrBlock: subnetCidr(spec.nodeCidr, kind, zone),
        mapPublicIpOnLaunch: false,
        tags: { ...called(what), ...marks },
      },
      opts,
    );
  };
  const table = (what: string): RouteTable => new RouteTable(what, { vpcId: vpc.id, tags: called(what) }, opts);
  const associate = (what: string, from: Subnet, to: RouteTable): RouteTableAssociation =>
    new RouteTableAssociation(what, { subnetId: from.id, routeTableId: to.id }, opts);

  const publicTable = table(`${name}-public`);
  const toInternet = new Route(
    `${name}-public`,
    { routeTableId: publicTable.id, destinationCidrBlock: anywhere, gatewayId: gateway.id },
    opts,
  );
  const publicSubnets = new Map(zones.map((zone) => [zone, subnet("public", zone)]));
  const publicRoutes = zones.map((zone) => associate(`${name}-public-${zone}`, publicSubnets.get(zone)!, publicTable));
  const ids = (subnets: ReadonlyMap<string, Subnet>): ReadonlyMap<string, pulumi.Input<string>> =>
    new Map([...subnets].map(([zone, { id }]) => [zone, id]));
  const common = { vpcId: vpc.id, publicSubnets: ids(publicSubnets) };
  if (!isPrivate) {
    return { ...common, machineSubnets: common.publicSubnets, routes: [toInternet, ...publicRoutes] };
  }

  const natIn = (what: string, zone: string, more: pulumi.CustomResourceOptions = {}): NatGateway => {
    // A gateway's address needs the route to the internet.
    const after = { ...opts, dependsOn: [toInternet] };
    const address = new Eip(what, { domain: "vpc", tags: called(what) }, after);
    return new NatGateway(
      what,
      { allocationId: address.id, subnetId: publicSubnets.get(zone)!.id, tags: called(what) },
      { ...after, ...more },
    );
  };
  // The only one stays where it is when there is another first zone: all machines go out through it.
  const single = aws.nat === "single" ? natIn(`${name}-nat`, zones[0]!, { ignoreChanges: ["subnetId"] }) : undefined;
  const privateSubnets = new Map(zones.map((zone) => [zone, subnet("private", zone)]));
  const privateRoutes = zones.flatMap((zone): pulumi.Resource[] => {
    const what = `${name}-private-${zone}`;
    const routeTable = table(what);
    const association = associate(what, privateSubnets.get(zone)!, routeTable);
    const nat = single ?? (aws.nat === "zone" ? natIn(`${name}-nat-${zone}`, zone) : undefined);
    return nat
      ? [
          new Route(what, { routeTableId: routeTable.id, destinationCidrBlock: anywhere, natGatewayId: nat.id }, opts),
          association,
        ]
      : [association];
  });
  // Load balancers and the bastion are in public subnets.
  return { ...common, machineSubnets: ids(privateSubnets), routes: [...privateRoutes, toInternet, ...publicRoutes] };
}
