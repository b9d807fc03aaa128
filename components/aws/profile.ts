/** Facts about AWS for settings and user-data. */
import type { CloudProfile } from "../cloud/profile.js";
import { flatcar } from "../spec/versions.js";
import { subnetParts } from "./cidrs.js";
import { imageTag } from "./names.js";
import { awsRegions } from "./regions.js";
import { awsSizes } from "./sizes.js";

/** https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html */
const metadataService = "http://169.254.169.254/latest";

/**
 * The names under which etcd's volumes are attached.
 *
 * Flatcar makes links of these names to the NVMe devices that EBS volumes are: https://github.com/flatcar/init, `udev/rules.d/90-cloud-storage.rules`
 * (`cloud_aws_ebs_nvme_id -d` prints the name that the attachment has).
 */
export const volumeDevices = { data: "/dev/xvdf", wal: "/dev/xvdg" } as const;

/** Zones over which machines are spread where the stack names none. */
export const spreadOver = 3;

/** GB of the bastion's disk. */
export const bastionDisk = 10;

export const awsProfile: CloudProfile = {
  // Version 2 of the service only: without a token it answers nothing. The host name is the tag `Name`, which instances may read of themselves.
  metadata: `base=${metadataService}
token=$(fetch --request PUT --header "X-aws-ec2-metadata-token-ttl-seconds: 300" "$base/api/token")
meta() {
  fetch --header "X-aws-ec2-metadata-token: $token" "$base/meta-data/$1"
}
HOSTNAME=$(meta tags/instance/Name)
PRIVATE_IPV4=$(meta local-ipv4)
PUBLIC_IPV4=
# Only categories that exist are listed.
case $'\\n'$(meta "")$'\\n' in
  *$'\\n'public-ipv4$'\\n'*) PUBLIC_IPV4=$(meta public-ipv4) ;;
esac
REGION=$(meta placement/region)
ZONE=$(meta placement/availability-zone)
PROVIDER_ID=aws:///$ZONE/$(meta instance-id)
`,
  volumeDevice: (suffix) => volumeDevices[suffix],
  image: flatcar.aws,
  regions: awsRegions,
  sizes: awsSizes,
  zone: (region) => new RegExp(`^${region}[a-h]$`),
  privateNetwork: {
    // https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
    // A subnet has 28 bits at most, and a network is cut into 16: see `cidrs.ts`.
    prefix: { from: 16, to: 28 - Math.log2(subnetParts) },
    reserved: [],
    parts: subnetParts,
    // Five that AWS keeps, and what load balancers and gateways take.
    taken: 10,
    spread: spreadOver,
  },
  balancersFrom: [],
  // https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html#dns-name
  balancerDomain: (region) => `.elb.${region}.amazonaws.com`,
  images: {
    accepts: /^(ami-[0-9a-f]{8,17}|Flatcar-[a-z]+-[0-9.]+-hvm)$/,
    allowed: `the id of an image (ami-...), or the exact name of one of Flatcar's own, such as ${flatcar.aws}`,
  },
  // https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html, etcd's types.
  volumeSize: { from: 1, to: 16_384 },
  // https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html; names that the metadata service must be able to show have no slash and no space.
  tags: {
    taken: ["Name", imageTag],
    key: /^(?!aws:)[A-Za-z0-9+=.,_:@-]{1,128}$/i,
    value: /^[\p{L}\p{N}+=.,_:@/ -]{0,256}$/u,
    allowed:
      "letters, digits and + - = . , _ : @ (in values spaces and slashes too), keys up to 128 characters that do not begin with aws:, values up to 256",
  },
};
