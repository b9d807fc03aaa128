/**
 * Monthly costs of the shipped and example stacks, from size tables and list prices: the tables in docs/aws.md and docs/digitalocean.md.
 * `npx tsx bench/costs.ts` writes them.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { PriceLine } from "../components/cloud/prices.js";
import { cloudNamed, clouds } from "../components/clouds.js";
import type { ClusterSpec } from "../components/spec/cluster.js";
import { pools } from "../components/spec/pools.js";
import { clusterSpec } from "../infra/config.js";
import { projectDirectory } from "../lab/config.js";
import { writeBlock } from "./document.js";

/** Cluster of a shipped or example stack, with an example network and token filled in. */
export function shippedSpec(stack: string): ClusterSpec {
  const name = `Pulumi.${stack}.yaml`;
  const example = join(projectDirectory, "examples", name);
  const file = existsSync(example) ? example : join(projectDirectory, name);
  const { config } = parse(readFileSync(file, "utf8").replaceAll("<your network>", "192.0.2.7/32")) as {
    config: Record<string, unknown>;
  };
  // The lab's mirror has no influence on costs, and its checksums exist only while the lab runs.
  const kept = Object.entries(config).filter(([key]) => key !== "corekube:mirrors");
  const given = Object.fromEntries(
    kept.map(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : String(value)]),
  );
  return clusterSpec({ "digitalocean:token": "example", ...given });
}

export function costs(spec: ClusterSpec, list = clouds): readonly PriceLine[] {
  const { name, profile, prices } = cloudNamed(spec.cloud, list);
  const used = pools(spec).filter(({ count }) => count > 0);
  const machines = used.map((pool): PriceLine => {
    const size = profile.sizes.find((candidate) => candidate.name === pool.size);
    if (size === undefined) throw new Error(`${pool.size}: not in the size table of ${name}`);
    return { what: `${pool.count} × ${pool.size} (${pool.pool})`, monthly: pool.count * size.monthly };
  });
  const { disks, count } = spec.etcd;
  const volumes = disks.type === "volumes" ? count * (disks.data + disks.wal) : 0;
  return [...machines, ...prices({ spec, pools: used, volumes })].filter(({ monthly }) => monthly > 0);
}

/** The shipped stacks of a cloud, in Markdown. */
export function costTable(stacks: readonly string[]): string {
  const rows = stacks.map((stack) => {
    const lines = costs(shippedSpec(stack));
    const total = lines.reduce((sum, { monthly }) => sum + monthly, 0);
    return `| \`${stack}\` | ${lines.map(({ what, monthly }) => `${what}: ${monthly.toFixed(2)}`).join("<br>")} | ${Math.round(total)} |`;
  });
  return ["| stack | items, dollars a month | sum |", "|---|---|---|", ...rows].join("\n");
}

/** Stacks by document. */
export const documents = { "aws.md": ["aws", "lab-aws"], "digitalocean.md": ["digitalocean", "ha", "dev"] } as const;

if (require.main === module)
  for (const [document, stacks] of Object.entries(documents)) writeBlock("costs", costTable(stacks), document);
