/** Making droplets: what a request asks for is checked as a whole, then the machines are made in the background. */
import { findRegion, regionSlugs } from "../catalog/regions.js";
import { findSize, type Size } from "../catalog/sizes.js";
import { type Context, ensureNetwork, ensureTags, memberNetwork, privateAddress, publicAddress } from "../context.js";
import { dropletSpec, volumeSpec } from "../desired.js";
import { notOffered, unprocessable } from "../errors.js";
import type { ActionRecord, DropletRecord, ImageRecord, State, VolumeRecord, VpcRecord } from "../state.js";
import { timestamp } from "../store.js";
import { dropletLimit } from "./account.js";
import type { DropletInput } from "./dropletSchema.js";
import { findImage } from "./images.js";
import { findKey } from "./keys.js";
import { maximumVolumes } from "./volumes.js";

export interface Made {
  readonly droplet: DropletRecord;
  readonly action: ActionRecord;
}

/** @throws ApiError 422 when anything that the request names does not exist, does not fit or is used up; then nothing was made. */
export async function createDroplets(context: Context, names: readonly string[], input: DropletInput): Promise<Made[]> {
  const { state } = context;
  const region = regionOf(input.region);
  const size = findSize(input.size);
  if (!size) throw unprocessable("You specified an invalid size for Droplet creation.");
  const image = bootableImage(state, input.image, region, size);
  publicKeys(state, input.ssh_keys);
  if (input.public_networking === false)
    throw notOffered("public_networking: false", "leave it out, and close the droplet with a firewall");
  if (input.ipv6 && image.type !== "base")
    throw unprocessable("ipv6: Droplets from custom images have no IPv6; leave it out");
  if (names.length > 1 && input.volumes.length > 0)
    throw unprocessable("volumes: a volume can be attached to one Droplet only; create them one by one");
  const vpc = memberNetwork(context, input.vpc_uuid, region);
  freeVolumes(state, input.volumes, region);
  await ensureNetwork(context, vpc);
  // From here on nothing waits: what is checked below still holds when it is taken.
  const volumes = freeVolumes(state, input.volumes, region);
  if (state.droplets.length + names.length > dropletLimit) {
    throw unprocessable(
      `creating this/these droplet(s) will exceed your droplet limit of ${dropletLimit}; delete some first`,
    );
  }
  const before = state.droplets.length;
  try {
    for (const name of names) state.droplets.push(recordOf(context, name, { ...input, region }, size, image, vpc));
  } catch (error) {
    state.droplets.length = before;
    throw error;
  }
  const droplets = state.droplets.slice(before);
  const tags = ensureTags(context, input.tags);
  for (const droplet of droplets) droplet.tags = [...tags];
  for (const volume of volumes) volume.dropletId = droplets[0]?.id ?? null;
  context.store.changed();
  context.applier.changed();
  return droplets.map((droplet) => ({ droplet, action: make(context, droplet, volumes) }));
}

/** @throws ApiError 422 when no address is left. */
function recordOf(
  context: Context,
  name: string,
  input: DropletInput & { region: string },
  size: Size,
  image: ImageRecord,
  vpc: VpcRecord,
): DropletRecord {
  const { store, state } = context;
  const id = store.id();
  return {
    id,
    name,
    hostname: name,
    region: input.region,
    sizeSlug: size.slug,
    disk: size.disk,
    image,
    created_at: timestamp(),
    status: "new",
    publicIpv4: publicAddress(context),
    privateIpv4: privateAddress(context, vpc),
    publicIpv6: input.ipv6 ? documentationAddress(id) : null,
    vpcId: vpc.id,
    tags: [],
    userData: store.keepUserData(input.user_data),
    sshKeys: publicKeys(state, input.ssh_keys),
    backups: input.backups ? (input.backup_policy ?? { plan: "daily", weekday: "SUN", hour: 0 }) : null,
    monitoring: input.monitoring,
    pending: 0,
    deleting: false,
    failed: false,
  };
}

/** IPv6 is shown and not routed: an address of the range for documentation (RFC 3849). */
const documentationAddress = (id: number): string =>
  `2001:db8::${(id >>> 16).toString(16)}:${(id & 0xffff).toString(16)}`;

function make(context: Context, droplet: DropletRecord, volumes: readonly VolumeRecord[]): ActionRecord {
  const { state, driver, applier, tasks } = context;
  return tasks.onDroplet("create", droplet, async () => {
    try {
      // Its firewall stands before it can say or hear anything.
      await applier.firewalls();
      await driver.createDroplet(dropletSpec(state, droplet));
      for (const volume of volumes) await driver.attachVolume(volumeSpec(volume), droplet.id);
      await applier.firewalls();
      droplet.status = "active";
    } catch (error) {
      droplet.failed = true;
      for (const volume of volumes) volume.dropletId = null;
      applier.changed();
      throw error;
    }
  });
}

/** A slug, the beginning of one ("nyc"), or nothing for any region. */
function regionOf(wanted: string | undefined): string {
  const slug =
    wanted === undefined
      ? regionSlugs[0]
      : (findRegion(wanted)?.slug ?? regionSlugs.find((one) => /^[a-z]{3}$/.test(wanted) && one.startsWith(wanted)));
  if (slug === undefined) throw unprocessable("You specified an invalid region for Droplet creation.");
  return slug;
}

export function bootableImage(state: State, identifier: string | number, region: string, size: Size): ImageRecord {
  const image = findImage(state, identifier);
  if (!image || (!image.public && typeof identifier === "string" && !/^\d+$/.test(identifier))) {
    throw unprocessable("You specified an invalid image for Droplet creation.");
  }
  if (image.status !== "available")
    throw unprocessable(`image: ${image.id} is ${image.status}; wait until it is available`);
  if (!image.regions.includes(region))
    throw unprocessable(`image: ${image.id} is not available in region ${region}, only in ${image.regions.join(", ")}`);
  if (image.type === "snapshot")
    throw notOffered("A Droplet from a snapshot", "a lab's snapshots hold no data; use a public or custom image");
  if ((image.min_disk_size ?? 0) > size.disk)
    throw unprocessable(
      `size: ${size.slug} has a disk of ${size.disk} GB, image ${image.id} needs ${image.min_disk_size} GB`,
    );
  return { ...image, regions: [...image.regions], tags: [...image.tags] };
}

function publicKeys(state: State, identifiers: readonly (string | number)[]): string[] {
  const unknown = identifiers.filter((identifier) => !findKey(state, identifier));
  if (unknown.length > 0)
    throw unprocessable(`${unknown.join(", ")} are invalid key identifiers for Droplet creation.`);
  return identifiers.flatMap((identifier) => findKey(state, identifier)?.public_key ?? []);
}

function freeVolumes(state: State, wanted: DropletInput["volumes"], region: string): VolumeRecord[] {
  if (wanted.length > maximumVolumes)
    throw unprocessable(
      `volumes: at most ${maximumVolumes} volumes can be attached to a Droplet, got ${wanted.length}`,
    );
  return wanted.map((one) => {
    const volume = state.volumes.find((candidate) =>
      "id" in one ? candidate.id === one.id : candidate.name === one.name && candidate.region === region,
    );
    const label = "id" in one ? one.id : one.name;
    if (!volume || volume.busy) throw unprocessable(`volumes: volume ${label} does not exist`);
    if (volume.region !== region)
      throw unprocessable(`volumes: volume ${label} is in region ${volume.region}, the Droplet in ${region}`);
    if (volume.dropletId !== null)
      throw unprocessable(`volumes: volume ${label} is already attached to Droplet ${volume.dropletId}`);
    return volume;
  });
}
