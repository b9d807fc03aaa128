/** Configurations that are refused on AWS, or because they are not. */
import { aws, type Refusal, type Settings } from "./cases.js";

type Refused = (settings: Settings, paths: string | readonly string[], remedy: string, byEngine?: true) => Refusal;

const key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const vpc = "vpc-0a1b2c3d4e5f60718";
const subnets = (...ends: string[]): string[] => ends.map((end) => `subnet-0a1b2c3d4e5f6071${end}`);

export const invalidAws = (refused: Refused): readonly Refusal[] => {
  const onAws: Refused = (settings, paths, remedy) => refused({ ...aws, ...settings }, paths, remedy);
  return [
    refused({ cloud: "aws" }, "region", "a region of aws: us-east-1, "),
    onAws({ region: "fra1" }, "region", "Set it: pulumi config set region eu-central-1 (the nearest)"),
    onAws({ region: "nyc3" }, "region", "Set it: pulumi config set region us-east-1 (the nearest)"),
    onAws({ region: "eu-central-3" }, "region", "pulumi config set region eu-central-"),
    onAws({ region: "us-gov-west-1" }, "region", "a region of aws"),
    onAws({ region: "eu-central-3", node_placement: "eu-west-1a" }, "region", "a region of aws"),
    onAws(
      { "aws:region": "eu-west-1" },
      "aws:region",
      "eu-central-1, as corekube:region. Set it: pulumi config set aws:region eu-central-1",
    ),
    onAws({ "aws:region": "" }, "aws:region", "got nothing"),
    onAws(
      { node_size: "s-2vcpu-4gb" },
      "node_size",
      "this is a size of another cloud. Set it: pulumi config set node_size t3.small",
    ),
    onAws(
      { node_size: "t3.mediun" },
      "node_size",
      "did you mean t3.medium. Set it: pulumi config set node_size t3.medium",
    ),
    onAws(
      { cloud_provider: "aws", aws: { volume_key_arns: ["alias/aws/ebs"] } },
      "aws.volume_key_arns[0]",
      "the ARN of a KMS key, such as arn:aws:kms:",
    ),
    onAws(
      { cloud_provider: "aws", aws: { volume_key_arns: [key.replace("eu-central-1", "us-east-1")] } },
      "aws.volume_key_arns[0]",
      "a key of eu-central-1, where the volumes are; this one is in us-east-1. Remove it: pulumi config rm --path 'aws.volume_key_arns[0]'",
    ),
    onAws(
      { aws: { volume_key_arns: [key] } },
      "aws.volume_key_arns",
      "nothing with corekube:cloud_provider none: there is no driver that makes volumes of claims. Remove it: pulumi config rm --path 'aws.volume_key_arns'",
    ),
    onAws({ node_size: "m7g.large" }, "node_size", "a machine size of aws"),
    onAws({ controller_size: "t3.small" }, "controller_size", "t3.medium is the cheapest sufficient one"),
    onAws({ etcd_size: "t3.micro" }, "etcd_size", "Set it: pulumi config set etcd_size t3.small"),
    onAws({ reserved_resources: { kube_cpus: 250 } }, "reserved_resources", "the largest size of aws"),
    onAws({ image: "123456" }, "image", "this is an image of another cloud. Remove it: pulumi config rm image"),
    onAws({ image: "https://images.example/flatcar.bin.bz2" }, "image", "the id of an image (ami-...)"),
    onAws({ image: "Flatcar-lts-3510.3.6-hvm" }, "image", "a release of Flatcar after 4230"),
    onAws({ image: "ami-xyz" }, "image", "-hvm. Remove it: pulumi config rm image"),
    onAws(
      { image: "Flatcar-stable-current-hvm" },
      "image",
      "the exact name of one of Flatcar's own, such as Flatcar-stable-",
    ),
    onAws(
      { node_placement: "eu-west-1a" },
      "node_placement",
      "zones of eu-central-1, such as eu-central-1a,eu-central-1b; eu-west-1a cannot be one",
    ),
    onAws(
      { control_plane_placement: "eu-central-1a,eu-central-1b,eu-central-1a" },
      "control_plane_placement",
      "each zone once. Set it: pulumi config set control_plane_placement eu-central-1a,eu-central-1b",
    ),
    onAws(
      { control_plane_placement: "spread,eu-central-1a" },
      "control_plane_placement",
      "spread alone, or zones. Set it: pulumi config set control_plane_placement spread",
    ),
    onAws({ node_placement: "eu-west-1a,us-east-1b" }, "node_placement", "; eu-west-1a, us-east-1b cannot be one"),
    onAws(
      { public_node_placement: "a,b" },
      "public_node_placement",
      "Set it: pulumi config set public_node_placement eu-central-1a,eu-central-1b",
    ),
    onAws({ tags: { Name: "web" } }, "tags.Name", "on aws, Name is the name of each resource. Remove it"),
    onAws(
      { tags: { "kubernetes.io/cluster/other": "owned" } },
      'tags["kubernetes.io/cluster/other"]',
      "letters, digits and + - = . , _ : @",
    ),
    onAws({ tags: { "aws:team": "x" } }, 'tags["aws:team"]', "do not begin with aws:"),
    onAws({ tags: { "two words": "x" } }, 'tags["two words"]', "letters, digits and"),
    onAws({ tags: { KubernetesCluster: "other" } }, "tags.KubernetesCluster", "with the cluster's name (kubernetes)"),
    onAws({ tags: { note: "a".repeat(257) } }, "tags.note", "values up to 256"),
    onAws({ cloud_provider: "digitalocean" }, "cloud_provider", "none or aws (must match corekube:cloud)"),
    onAws({ node_cidr: "10.4.0.0/25" }, "node_cidr", "a prefix from /16 to /24"),
    onAws({ node_cidr: "10.4.0.0/24", node_count: 40 }, "node_cidr", "machines in a zone"),
    onAws(
      { node_cidr: "10.4.0.0/20", pod_cidr: "10.128.0.0/9", node_count: 400, node_placement: "eu-central-1b" },
      "node_cidr",
      "room for 402 machines in a zone (this one has 246 addresses for them): a prefix of at most /19",
    ),
    onAws(
      { admin_cidrs: Array.from({ length: 10 }, (_, index) => `2001:db8:${index}::/48`) },
      "admin_cidrs",
      "at most 9 networks of IPv4 and 9 of IPv6",
    ),
    onAws(
      { admin_cidrs: Array.from({ length: 10 }, (_, index) => `192.0.2.${index}/32`) },
      "admin_cidrs",
      "at most 9 networks of IPv4 and 9 of IPv6 on aws, where a security group holds 60 rules",
    ),
    onAws(
      {
        firewall_rules: Array.from({ length: 30 }, (_, index) => ({
          role: "worker",
          ports: `${9100 + index}`,
          from: "nodes",
        })),
      },
      "firewall_rules",
      "a security group holds 60 rules; use ranges of ports and larger networks. Remove one: pulumi config rm --path 'firewall_rules[29]'",
    ),
    // Not one more than AWS holds: `validAws` has the same with two of the small ones.
    onAws(
      {
        firewall_rules: [
          ...Array.from({ length: 11 }, (_, index) => ({
            role: "controller",
            ports: `${9000 + index}`,
            from: "nodes",
          })),
          ...["1", "2", "3"].map((end) => ({ role: "controller", ports: "9100", from: `198.51.100.${end}/32` })),
        ],
      },
      "firewall_rules",
      "Remove one: pulumi config rm --path 'firewall_rules[13]'",
    ),
    onAws(
      { etcd: { data_disk: 3072 }, aws: { volume_type: "io2" } },
      ["etcd.data_disk", "etcd.wal_disk"],
      "at least 4096 MB with corekube:aws.volume_type io2",
    ),
    onAws(
      { etcd: { data_disk: 3072, wal_disk: 4096 }, aws: { volume_type: "io1" } },
      "etcd.data_disk",
      "at least 4096 MB with corekube:aws.volume_type io1. Set it: pulumi config set --path 'etcd.data_disk' 4096",
    ),
    onAws({ aws: { volume_type: "st1" } }, "aws.volume_type", "gp3, gp2, io2, io1"),
    onAws(
      { aws: { nat: "zone" } },
      "aws.nat",
      "nothing with corekube:aws.machines public: only private machines need it. Remove it: pulumi config rm --path 'aws.nat'",
    ),
    onAws({ aws: { bastion_size: "t3.micro" } }, "aws.bastion_size", "only private machines need it"),
    onAws(
      { aws: { machines: "private", bastion_size: "t2.tiny" } },
      "aws.bastion_size",
      "a machine size of aws, such as t3.micro. Set it: pulumi config set --path 'aws.bastion_size' t3.micro",
    ),
    onAws({ aws: { machines: "hidden" } }, "aws.machines", "public, private"),
    onAws({ aws: { nat: "instance", machines: "private" } }, "aws.nat", "zone, single, none"),
    onAws({ aws: { vpc_id: "vpc-1" } }, "aws.vpc_id", "such as vpc-0a1b2c3d4e5f60718"),
    onAws(
      { aws: { vpc_id: vpc } },
      "aws.public_subnet_ids",
      "machines are there. Set it: pulumi config set --path 'aws.public_subnet_ids[0]' <value>",
    ),
    onAws(
      { aws: { vpc_id: vpc, machines: "private", public_subnet_ids: subnets("8") } },
      "aws.private_subnet_ids",
      "a subnet of corekube:aws.vpc_id for each zone: machines are there. Set it: pulumi config set --path 'aws.private_subnet_ids[0]' <value>",
    ),
    onAws(
      { aws: { vpc_id: vpc, machines: "private" } },
      ["aws.public_subnet_ids", "aws.private_subnet_ids"],
      "for each zone: the API's load balancer and the bastion are there. Set it",
    ),
    onAws(
      { aws: { vpc_id: vpc, public_subnet_ids: subnets("8"), bastion_size: "t3.micro" } },
      "aws.bastion_size",
      "only private machines use it. Remove it: pulumi config rm --path 'aws.bastion_size'",
    ),
    onAws(
      { aws: { vpc_id: vpc, public_subnet_ids: subnets("8"), private_subnet_ids: subnets("9") } },
      "aws.private_subnet_ids",
      "only private machines use it",
    ),
    onAws(
      {
        aws: {
          vpc_id: vpc,
          machines: "private",
          nat: "single",
          public_subnet_ids: subnets("8"),
          private_subnet_ids: subnets("9"),
        },
      },
      "aws.nat",
      "the owner of an existing network provides its internet access",
    ),
    onAws({ aws: { public_subnet_ids: subnets("8") } }, "aws.public_subnet_ids", "nothing without corekube:aws.vpc_id"),
    onAws(
      { aws: { private_subnet_ids: subnets("8"), machines: "private" } },
      "aws.private_subnet_ids",
      "nothing without corekube:aws.vpc_id: the network is created, and its subnets with it. Remove it",
    ),
    onAws({ aws: { vpc_id: vpc, public_subnet_ids: subnets("8", "8") } }, "aws.public_subnet_ids", "each once"),
    onAws(
      { aws: { vpc_id: vpc, public_subnet_ids: ["net-1"] } },
      "aws.public_subnet_ids[0]",
      "such as subnet-0a1b2c3d4e5f60718",
    ),
    onAws({ aws: { endpoints: { ec2: "vpce.example" } } }, "aws.endpoints.ec2", "an http or https address"),
    onAws(
      { aws: { endpoints: { ec3: "https://vpce.example" } } },
      "aws.endpoints.ec3",
      "did you mean aws.endpoints.ec2",
    ),
    onAws({ aws: { machine: "private" } }, "aws.machine", "did you mean aws.machines"),
    refused(
      { aws: { volume_type: "gp3" } },
      "aws.volume_type",
      "nothing: the cluster is on digitalocean, and these are settings of aws. Remove it: pulumi config rm --path 'aws.volume_type'",
    ),
    refused(
      { aws: { machines: "private", nat: "none" } },
      ["aws.machines", "aws.nat"],
      "pulumi config rm --path 'aws.machines'",
    ),
    refused({ csi_driver: "no" }, "csi_driver", "true or false", true),
  ];
};
