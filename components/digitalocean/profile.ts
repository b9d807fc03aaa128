/** Facts about DigitalOcean for settings and user-data. */
import type { CloudProfile } from "../cloud/profile.js";
import { flatcar } from "../spec/versions.js";
import { dropletRegions } from "./regions.js";
import { dropletSizes } from "./sizes.js";

/** https://docs.digitalocean.com/reference/api/metadata/ */
const metadataService = "http://169.254.169.254/metadata/v1";

export const digitaloceanProfile: CloudProfile = {
  metadata: `base=${metadataService}
HOSTNAME=$(fetch "$base/hostname")
REGION=$(fetch "$base/region")
PUBLIC_IPV4=$(fetch "$base/interfaces/public/0/ipv4/address")
PRIVATE_IPV4=$(fetch "$base/interfaces/private/0/ipv4/address")
ZONE=
PROVIDER_ID=digitalocean://$(fetch "$base/id")
`,
  // https://docs.digitalocean.com/products/volumes/how-to/mount/
  volumeDevice: (suffix) => `/dev/disk/by-id/scsi-0DO_Volume_$HOSTNAME-${suffix}`,
  image: flatcar.digitalocean,
  regions: dropletRegions,
  sizes: dropletSizes,
  privateNetwork: {
    prefix: { from: 16, to: 28 },
    // https://docs.digitalocean.com/products/networking/vpc/details/limits/
    reserved: ["10.229.0.0/16", "10.244.0.0/16", "10.245.0.0/16", "10.246.0.0/24"],
    // Network, gateway, broadcast, two reserved by DigitalOcean, and two for the internal load balancer's nodes.
    taken: 7,
    parts: 1,
    spread: 1,
  },
  // They have addresses in the private network that are not known in advance.
  balancersFrom: ["network"],
  images: {
    accepts: /^(https?:.*|(?!ami-)[a-z0-9][a-z0-9.-]*)$/,
    allowed: "an image of digitalocean, or the address of an image file",
  },
  volumeSize: { from: 1, to: 16_384 },
  // https://docs.digitalocean.com/reference/api/digitalocean/#tag/Tags
  tags: {
    taken: [],
    key: /^[A-Za-z0-9_-]{1,100}$/,
    value: /^[A-Za-z0-9:_-]{0,150}$/,
    allowed:
      "letters, digits, dashes and underscores (in values colons too), keys up to 100 and values up to 150 characters",
  },
};
