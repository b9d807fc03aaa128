/** Records as the API shows them, for the kinds that several resources show. */
import { prefixLength } from "../../../components/spec/cidr.js";
import { netmask } from "./addresses.js";
import { regionSlugs, regionView } from "./catalog/regions.js";
import { diskInfo, knownSize, sizeView } from "./catalog/sizes.js";
import type { Context } from "./context.js";
import { vpcOf } from "./desired.js";
import type { ActionRecord, DropletRecord, VolumeRecord } from "./state.js";

export function actionView(action: ActionRecord) {
  const { volume: _volume, ...shown } = action;
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
    disk: size.disk,
    disk_info: diskInfo(size.disk),
    locked: droplet.pending > 0,
    status: droplet.status,
    kernel: null,
    created_at: droplet.created_at,
    features: [...(droplet.monitoring ? ["monitoring"] : []), "private_networking"],
    backup_ids: [],
    next_backup_window: null,
    snapshot_ids: [],
    image: droplet.image,
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
  const mask = (cidr: string): string => netmask(prefixLength(cidr));
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
    v6: [],
  };
}

export const volumeView = (volume: VolumeRecord) => ({
  id: volume.id,
  region: regionView(volume.region),
  droplet_ids: volume.dropletId === null ? [] : [volume.dropletId],
  name: volume.name,
  description: volume.description,
  size_gigabytes: volume.size_gigabytes,
  created_at: volume.created_at,
  filesystem_type: "",
  filesystem_label: "",
  tags: volume.tags,
});
