/**
 * What DigitalOcean is asked before anything is registered, where machines are made: whether the region has their size and image, whether
 * the account may have so many; and whether the cluster's name and network are free.
 */
import type * as accountModule from "@pulumi/digitalocean/getAccount.js";
import type * as imageModule from "@pulumi/digitalocean/getImage.js";
import type * as regionModule from "@pulumi/digitalocean/getRegion.js";
import { recordedState, type WantedMachine, wantedMachines } from "../cloud/recordedState.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { sizeOptions } from "../spec/pools.js";
import { type AskOthers, refuseOtherClusters } from "./otherClusters.js";
import { digitaloceanProfile } from "./profile.js";
import { refuse } from "./refuse.js";
import { dropletSizes } from "./sizes.js";

export interface Ask extends AskOthers {
  readonly getAccount: typeof accountModule.getAccount;
  readonly getImage: typeof imageModule.getImage;
  readonly getRegion: typeof regionModule.getRegion;
}

/** @throws pulumi.RunError naming the setting that the cloud rejects. */
export async function runPreflight(spec: ClusterSpec, ask: Ask): Promise<void> {
  const recorded = await recordedState();
  await refuseOtherClusters(spec, recorded, ask);
  const droplets = recorded.of("digitalocean:index/droplet:Droplet");
  const machines = wantedMachines(spec);
  // What runs is left alone, whatever the cloud offers today.
  const changed = machines.filter(({ name, size }) => droplets.get(name)?.["size"] !== size);
  const custom = /^https?:\/\//.test(spec.image);
  const otherImage = ({ name }: WantedMachine): boolean =>
    !custom && droplets.has(name) && String(droplets.get(name)?.["image"]) !== spec.image;
  const fresh = machines.filter((machine) => changed.includes(machine) || otherImage(machine));
  if (fresh.length === 0) return;
  await Promise.all([
    checkSizes(spec, changed, ask),
    custom ? undefined : checkImage(spec, ask),
    checkLimit(
      machines.filter(({ name }) => !droplets.has(name)),
      ask,
    ),
  ]);
}

async function checkSizes(
  { region }: Pick<ClusterSpec, "region">,
  machines: readonly WantedMachine[],
  ask: Pick<Ask, "getRegion">,
): Promise<void> {
  if (machines.length === 0) return;
  const { available, sizes } = await ask.getRegion({ slug: region });
  if (!available)
    refuse(
      "region",
      region,
      "a region that takes new droplets now",
      "Try again later: https://status.digitalocean.com says when",
    );
  const machine = machines.find(({ size }) => !sizes.includes(size));
  if (machine === undefined) return;
  const { role, size, name } = machine;
  const wanted = dropletSizes.find((each) => each.name === size);
  const [other] = dropletSizes
    .filter(({ name: each }) => sizes.includes(each))
    .filter(({ cpus, memory, disk }) => cpus >= wanted!.cpus && memory >= wanted!.memory && disk >= wanted!.disk)
    .sort((a, b) => a.monthly - b.monthly);
  refuse(
    sizeOptions[role],
    size,
    `a size that ${region} has now, for ${name}`,
    `Set another: pulumi config set ${sizeOptions[role]} ${other?.name ?? "<size>"}`,
  );
}

async function checkImage({ image, region }: ClusterSpec, ask: Pick<Ask, "getImage">): Promise<void> {
  const answer = await ask
    .getImage(/^\d+$/.test(image) ? { id: Number(image) } : { slug: image })
    .catch((error: unknown) => String(error instanceof Error ? error.message : error).replace(/\s+/g, " "));
  const why =
    typeof answer === "string"
      ? answer
      : answer.regions.includes(region)
        ? undefined
        : `it is in ${answer.regions.join(", ")}`;
  if (why !== undefined)
    refuse(
      "image",
      image,
      `an image that this account has in ${region} (${why}), or the address of an image file`,
      `Use this checkout's own: pulumi config set image ${digitaloceanProfile.image} && pulumi up`,
    );
}

const countSettings = {
  etcd: "etcd.count",
  controller: "high_availability",
  worker: "node_count",
  public: "public_node_count",
} as const;

async function checkLimit(
  machines: readonly WantedMachine[],
  ask: Pick<Ask, "getAccount" | "getDroplets">,
): Promise<void> {
  const last = machines.at(-1);
  if (last === undefined) return;
  const [{ dropletLimit }, { droplets }] = await Promise.all([ask.getAccount(), ask.getDroplets()]);
  const free = Math.max(0, dropletLimit - droplets.length);
  if (machines.length <= free) return;
  const pool = machines.filter(({ role }) => role === last.role);
  const fitting = last.index + 1 - (machines.length - free);
  refuse(
    countSettings[last.role],
    `${machines.length} droplets more`,
    `at most ${free} more: the account has ${droplets.length} and may have ${dropletLimit}`,
    fitting >= 1 && machines.length - free <= pool.length
      ? `Use fewer machines: pulumi config set ${countSettings[last.role]} ${fitting}. Or ask for more: https://cloud.digitalocean.com/account/team/droplet_limit_increase`
      : "Ask for more: https://cloud.digitalocean.com/account/team/droplet_limit_increase",
  );
}
