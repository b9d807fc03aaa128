/**
 * What the shipped stacks cost a month, from the size tables and list prices: the tables in docs/aws.md and docs/digitalocean.md.
 * `npx tsx bench/costs.ts` writes them.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { awsSizes } from "../components/aws/sizes.js";
import { dropletSizes } from "../components/digitalocean/sizes.js";
import type { ClusterSpec, PoolSpec } from "../components/spec/cluster.js";
import { pools } from "../components/spec/pools.js";
import { clusterSpec } from "../infra/config.js";
import { projectDirectory } from "../lab/config.js";
import { writeBlock } from "./document.js";

const hoursPerMonth = 730;

/** Dollars, us-east-1 as in the size table: https://aws.amazon.com/ebs/pricing/, /vpc/pricing/, /elasticloadbalancing/pricing/. */
const aws = { gp3Month: 0.08, natHour: 0.045, balancerHour: 0.0225, addressHour: 0.005 };

/** Dollars: https://www.digitalocean.com/pricing/volumes, /pricing/load-balancers. */
const digitalocean = { volumeMonth: 0.1, balancerNodeMonth: 12, balancerNodes: 2 };

/** Zones that a cluster is spread over: those of three members. */
const zones = 3;

/** GB of the bastion's disk. */
const bastionDisk = 10;

export interface Line {
  readonly what: string;
  /** Dollars a month. */
  readonly monthly: number;
}

/** A shipped stack's cluster; the reader's own network and token are filled in. */
export function shippedSpec(stack: string): ClusterSpec {
  const file = join(projectDirectory, `Pulumi.${stack}.yaml`);
  const { config } = parse(readFileSync(file, "utf8").replaceAll("<your network>", "192.0.2.7/32")) as {
    config: Record<string, unknown>;
  };
  // A lab's checksums are there only while it runs, and cost nothing.
  const kept = Object.entries(config).filter(([key]) => key !== "corekube:mirrors");
  const given = Object.fromEntries(
    kept.map(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : String(value)]),
  );
  return clusterSpec({ "digitalocean:token": "the reader's own", ...given });
}

export function costs(spec: ClusterSpec): readonly Line[] {
  const used = pools(spec).filter(({ count }) => count > 0);
  const machines = used.map((pool): Line => ({
    what: `${pool.count} × ${pool.size} (${pool.pool})`,
    monthly: pool.count * priceOf(spec, pool.size),
  }));
  const { disks } = spec.etcd;
  const volumes = disks.type === "volumes" ? spec.etcd.count * (disks.data + disks.wal) : 0;
  return [
    ...machines,
    ...(spec.cloud === "aws" ? awsLines(spec, used, volumes) : digitaloceanLines(spec, volumes)),
  ].filter(({ monthly }) => monthly > 0);
}

function priceOf({ cloud }: ClusterSpec, name: string): number {
  const size = (cloud === "aws" ? awsSizes : dropletSizes).find((candidate) => candidate.name === name);
  if (size === undefined) throw new Error(`${name} is in no size table of ${cloud}`);
  return size.monthly;
}

function awsLines(spec: ClusterSpec, used: readonly PoolSpec[], volumes: number): Line[] {
  const isPrivate = spec.aws?.machines === "private";
  const gateways = isPrivate && spec.aws.vpcId === undefined ? { zone: zones, single: 1, none: 0 }[spec.aws.nat] : 0;
  const balancers = spec.apiLoadBalancers ? 2 : 0;
  const machines = used.reduce((sum, { count }) => sum + count, 0);
  const disks = used.reduce((sum, { count, disk }) => sum + count * disk, isPrivate ? bastionDisk : 0);
  // One for each NAT gateway, for each zone of the balancer that faces the internet, and for each machine that has one.
  const addresses = gateways + (balancers > 0 ? zones : 0) + (isPrivate ? 1 : machines);
  const hours = (count: number, price: number): number => count * price * hoursPerMonth;
  return [
    {
      what: `1 × ${spec.aws?.bastionSize ?? ""} (bastion)`,
      monthly: isPrivate ? priceOf(spec, spec.aws.bastionSize) : 0,
    },
    { what: `${disks} GB of disks, ${volumes} GB of etcd volumes (gp3)`, monthly: (disks + volumes) * aws.gp3Month },
    { what: `${gateways} NAT gateway${gateways === 1 ? "" : "s"}`, monthly: hours(gateways, aws.natHour) },
    { what: `${balancers} network load balancers`, monthly: hours(balancers, aws.balancerHour) },
    { what: `${addresses} public addresses`, monthly: hours(addresses, aws.addressHour) },
  ];
}

function digitaloceanLines(spec: ClusterSpec, volumes: number): Line[] {
  const balancers = spec.apiLoadBalancers ? 2 : 0;
  return [
    { what: `${volumes} GB of etcd volumes`, monthly: volumes * digitalocean.volumeMonth },
    {
      what: `${balancers} load balancers of ${digitalocean.balancerNodes} nodes`,
      monthly: balancers * digitalocean.balancerNodes * digitalocean.balancerNodeMonth,
    },
  ];
}

/** The shipped stacks of a cloud, in Markdown. */
export function costTable(stacks: readonly string[]): string {
  const rows = stacks.map((stack) => {
    const lines = costs(shippedSpec(stack));
    const total = lines.reduce((sum, { monthly }) => sum + monthly, 0);
    return `| \`${stack}\` | ${lines.map(({ what, monthly }) => `${what}: ${monthly.toFixed(2)}`).join("<br>")} | ${Math.round(total)} |`;
  });
  return ["| stack | what, dollars a month | sum |", "|---|---|---|", ...rows].join("\n");
}

/** Documents with their stacks. */
export const documents = { "aws.md": ["aws", "lab-aws"], "digitalocean.md": ["digitalocean", "ha", "dev"] } as const;

if (require.main === module)
  for (const [document, stacks] of Object.entries(documents)) writeBlock("costs", costTable(stacks), document);
