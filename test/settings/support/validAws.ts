/** Configurations for AWS at the edges of what is allowed. */
import { aws, type Settings } from "./cases.js";

const vpc = "vpc-0a1b2c3d";
const publicSubnets = ["subnet-0a1b2c3d", "subnet-0a1b2c3e"];
const privateSubnets = ["subnet-0a1b2c3f"];

export const validAws: readonly Settings[] = (
  [
    {},
    { region: "us-east-1", "aws:region": "us-east-1", node_placement: "us-east-1f" },
    { high_availability: true, cloud_provider: "aws" },
    {
      cloud_provider: "aws",
      csi_driver: false,
      aws: {
        endpoints: {
          ec2: "https://vpce.example",
          elasticloadbalancing: "http://192.0.2.9:8080",
        },
      },
    },
    {
      cloud_provider: "aws",
      aws: {
        volume_key_arns: [
          "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
          "arn:aws:kms:eu-central-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab",
        ],
      },
    },
    { aws: { machines: "private" } },
    { aws: { machines: "private", nat: "none", bastion_size: "t3a.micro" }, high_availability: true },
    { aws: { machines: "private", nat: "single" } },
    { aws: { vpc_id: vpc, public_subnet_ids: publicSubnets } },
    { aws: { vpc_id: vpc, machines: "private", public_subnet_ids: publicSubnets, private_subnet_ids: privateSubnets } },
    { aws: { volume_type: "io2" }, etcd: { data_disk: 4096, wal_disk: 4000 } },
    { aws: { volume_type: "io1" }, etcd: { count: 3, disk_type: "ROOT" } },
    {
      control_plane_placement: "eu-central-1c,eu-central-1a",
      node_placement: "eu-central-1a",
      public_node_placement: "spread",
    },
    { node_size: "m7i-flex.large", controller_size: "c7a.large", etcd_size: "t3a.small" },
    { image: "ami-0123456789abcdef0" },
    { image: "Flatcar-beta-4628.1.0-hvm" },
    { tags: { "cost-center": "eu / platform", "a.b:c=d+e@f,g_h": "Größe", empty: "" } },
    { node_cidr: "10.4.0.0/16", node_count: 5000, pod_cidr: "10.128.0.0/9" },
    { node_cidr: "10.4.0.0/24", node_count: 2 },
    { admin_cidrs: [...Array.from({ length: 9 }, (_, index) => `192.0.2.${index}/32`), "2001:db8::/32"] },
    { network_provider: "none", node_count: 6, public_node_count: 3 },
    {
      firewall_rules: [
        ...Array.from({ length: 11 }, (_, index) => ({ role: "controller", ports: `${9000 + index}`, from: "nodes" })),
        ...["1", "2"].map((end) => ({ role: "controller", ports: "9100", from: `198.51.100.${end}/32` })),
      ],
    },
  ] as readonly Settings[]
).map((settings) => ({ ...aws, ...settings }));
