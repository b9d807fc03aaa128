/** Records as the API shows them, for the kinds that several resources show. */
import { checkedRange, netmask } from "./addresses.js";
import { regionSlugs, regionView } from "./catalog/regions.js";
import { diskInfo, knownSize, sizeView } from "./catalog/sizes.js";
import type { Context } from "./context.js";
import { vpcOf } from "./desired.js";
import type {
  ActionRecord,
  BackupPolicy,
  DropletRecord,
  ImageRecord,
  VolumeRecord,
  VolumeSnapshotRecord,
} from "./state.js";

export function imageView(image: ImageRecord) {
  const { dropletId: _dropletId, ...shown } = image;
  return shown;
}

export function actionView(action: ActionRecord) {
  const { owner: _owner, ...shown } = action;
  return { ...shown, region: action.region_slug === null ? null : regionView(action.region_slug) };
}

/** Link to an action in the answer that started it. */
export const actionLink = (context: Context, action: ActionRecord, rel: string) => ({
  id: action.id,
  rel,
  href: `${context.config.apiUrl}/v2/actions/${action.id}`,
});

export function dropletView(context: Context, droplet: DropletRecord) {
  const { state } = context;
  const size = knownSize(droplet.sizeSlug);
  return {
    id: droplet.id,
    name: droplet.name,
    memory: size.memory,
    vcpus: size.vcpus,
    disk: droplet.disk,
    disk_info: diskInfo(droplet.disk),
    locked: droplet.pending > 0,
    status: droplet.status,
    kernel: null,
    created_at: droplet.created_at,
    features: [
      ...(droplet.backups ? ["backups"] : []),
      ...(droplet.monitoring ? ["monitoring"] : []),
      "private_networking",
      ...(droplet.publicIpv6 === null ? [] : ["ipv6"]),
    ],
    backup_ids: [],
    next_backup_window: droplet.backups ? backupWindow(droplet.backups) : null,
    snapshot_ids: state.images.filter((image) => image.dropletId === droplet.id).map((image) => image.id),
    image: imageView(droplet.image),
    volume_ids: state.volumes.filter((volume) => volume.dropletId === droplet.id).map((volume) => volume.id),
    size: sizeView(size, regionSlugs),
    size_slug: size.slug,
    networks: networks(context, droplet),
    region: regionView(droplet.region),
    tags: droplet.tags,
    vpc_uuid: droplet.vpcId,
  };
}

/** A droplet that is still being made has no addresses yet: a client that does not wait must not get away with it here. */
function networks({ config, state }: Context, droplet: DropletRecord) {
  if (droplet.status === "new") return { v4: [], v6: [] };
  const mask = (cidr: string): string => netmask(checkedRange(cidr).prefix);
  return {
    v4: [
      {
        ip_address: droplet.privateIpv4,
        netmask: mask(vpcOf(state, droplet.vpcId).ip_range),
        gateway: "nil",
        type: "private",
      },
      { ip_address: droplet.publicIpv4, netmask: mask(config.publicCidr), gateway: config.gateway, type: "public" },
    ],
    v6:
      droplet.publicIpv6 === null
        ? []
        : [{ ip_address: droplet.publicIpv6, netmask: 64, gateway: "2001:db8::1", type: "public" }],
  };
}

const weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** The next four hours in which a backup would be taken. */
export function backupWindow(policy: BackupPolicy, now = new Date()) {
  const start = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate(), policy.hour));
  const fits = (): boolean =>
    start > now && (policy.plan === "daily" || weekdays[start.getUTCDay()] === policy.weekday);
  while (!fits()) start.setUTCDate(start.getUTCDate() + 1);
  const text = (time: number): string => `${new Date(time).toISOString().slice(0, 19)}Z`;
  return { start: text(start.getTime()), end: text(start.getTime() + 4 * 3_600_000) };
}

export const volumeView = (volume: VolumeRecord) => ({
  id: volume.id,
  region: regionView(volume.region),
  droplet_ids: volume.dropletId === null ? [] : [volume.dropletId],
  name: volume.name,
  description: volume.description,
  size_gigabytes: volume.size_gigabytes,
  created_at: volume.created_at,
  filesystem_type: volume.filesystem_type,
  filesystem_label: volume.filesystem_label,
  tags: volume.tags,
});

export const volumeSnapshotView = (snapshot: VolumeSnapshotRecord) => ({ ...snapshot, resource_type: "volume" });

/** A droplet's snapshot in the list of all snapshots. */
export const imageSnapshotView = (image: ImageRecord) => ({
  id: String(image.id),
  name: image.name,
  created_at: image.created_at,
  regions: image.regions,
  min_disk_size: image.min_disk_size ?? 0,
  size_gigabytes: image.size_gigabytes ?? 0,
  resource_id: String(image.dropletId ?? 0),
  resource_type: "droplet",
  tags: image.tags,
});
