/** etcd, networks, disks, tags, images and metadata of machines. */
import { type Case, type Given, ref } from "../support/case.js";
import {
  awsTags,
  cluster,
  droplet,
  dropletMember,
  firewall,
  instance,
  instanceMember,
  template,
  volume,
} from "./parts.js";

const etcd = { type: cluster, name: "etcd" };
const members = ["etcd-0", "etcd-1", "etcd-2"];

export const etcdCases: readonly Case[] = [
  {
    rule: "etcd-odd-members",
    title: "droplets",
    resources: [etcd, firewall(), ...members.flatMap((name) => dropletMember(name, "etcd")), droplet("worker-0")],
    // Its volume and attachment remain without an owner.
    breaks: [
      {
        title: "one member less",
        change: { path: "etcd-2/parent", value: undefined },
        culprit: "etcd",
        says: /etcd: has 2 members/,
      },
    ],
  },
  {
    rule: "etcd-odd-members",
    title: "instances",
    resources: [etcd, ...members.flatMap((name) => instanceMember(name, "etcd"))],
    breaks: [
      {
        title: "one member less",
        change: { path: "etcd-2/parent", value: undefined },
        culprit: "etcd",
        says: /etcd: has 2 members/,
      },
    ],
  },
  {
    rule: "etcd-own-volume",
    title: "droplets",
    resources: [etcd, firewall(), ...members.flatMap((name) => dropletMember(name, "etcd"))],
    breaks: [
      {
        title: "attached to another machine",
        change: { path: "etcd-1-attachment/props/dropletId", value: 4711 },
        culprit: "etcd-1",
        says: /no volume is attached/,
      },
      {
        title: "a volume of two",
        change: { path: "etcd-2-attachment/props/volumeId", value: ref("etcd-1-data", "id") },
        culprit: "etcd-2",
        says: /shares a volume \(\S*etcd-1-data\) with \S*etcd-1;/,
      },
    ],
  },
  {
    rule: "etcd-own-volume",
    title: "instances",
    resources: [etcd, ...instanceMember("etcd-0", "etcd")],
    breaks: [
      {
        title: "attached to another machine",
        change: { path: "etcd-0-attachment/props/instanceId", value: "i-4711" },
        culprit: "etcd-0",
        says: /no volume is attached/,
      },
    ],
  },
];

const loadBalancer = {
  type: "digitalocean:index/loadBalancer:LoadBalancer",
  name: "api",
  props: {
    name: "~-api",
    region: "fra1",
    dropletTag: "role-~",
    network: "EXTERNAL",
    forwardingRules: [{ entryProtocol: "tcp", entryPort: 6443, targetProtocol: "tcp", targetPort: 6443 }],
    healthcheck: { protocol: "https", port: 6443, path: "/readyz" },
    firewall: { allows: ["cidr:198.51.100.0/24"] },
  },
};
const internal = {
  ...loadBalancer,
  name: "api-internal",
  props: { ...loadBalancer.props, name: "~-api-internal", network: "INTERNAL", firewall: undefined },
};

const group = {
  type: "aws:ec2/securityGroup:SecurityGroup",
  name: "group",
  props: {
    tags: awsTags,
    ingress: [
      { protocol: "tcp", fromPort: 22, toPort: 22, cidrBlocks: ["198.51.100.0/24"] },
      { protocol: "tcp", fromPort: 80, toPort: 443, cidrBlocks: ["0.0.0.0/0"], ipv6CidrBlocks: ["::/0"] },
      { protocol: "udp", fromPort: 6443, toPort: 6443, cidrBlocks: ["0.0.0.0/0"] },
    ],
    egress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] }],
  },
};
const groupRule = {
  type: "aws:ec2/securityGroupRule:SecurityGroupRule",
  name: "ssh",
  props: {
    type: "ingress",
    protocol: "tcp",
    fromPort: 22,
    toPort: 22,
    cidrBlocks: ["198.51.100.0/24"],
    securityGroupId: "sg-1",
  },
};
const outRule = {
  ...groupRule,
  name: "out",
  props: { ...groupRule.props, type: "egress", protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["0.0.0.0/0"] },
};
const ingressRule = {
  type: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  name: "api",
  props: {
    ipProtocol: "tcp",
    fromPort: 6443,
    toPort: 6443,
    cidrIpv4: "198.51.100.0/24",
    securityGroupId: "sg-1",
    tags: awsTags,
  },
};

export const networkCases: readonly Case[] = [
  {
    rule: "no-world-open-access",
    title: "firewall",
    resources: [firewall()],
    breaks: [
      {
        title: "SSH from everywhere",
        change: { path: "firewall/props/inboundRules/0/sourceAddresses", value: ["0.0.0.0/0"] },
        says: /inboundRules\[0\]: port 22 is open to 0\.0\.0\.0\/0/,
      },
      {
        title: "SSH from half of the world",
        change: { path: "firewall/props/inboundRules/0/sourceAddresses", value: ["198.51.100.7/32", "128.0.0.0/1"] },
        says: /128\.0\.0\.0\/1/,
      },
      {
        title: "SSH from all of IPv6",
        change: { path: "firewall/props/inboundRules/0/sourceAddresses", value: ["::/0"] },
        says: /::\/0/,
      },
      {
        title: "every port",
        change: { path: "firewall/props/inboundRules/1/portRange", value: "1-65535" },
        says: /inboundRules\[1\]: port 22 and 2379 and .* and 10259/,
      },
      {
        title: "the API",
        change: { path: "firewall/props/inboundRules/1/portRange", value: "6443" },
        says: /port 6443 is open/,
      },
    ],
  },
  {
    rule: "no-world-open-access",
    title: "load balancer",
    resources: [loadBalancer, internal],
    breaks: [
      {
        title: "without a list",
        change: { path: "api/props/firewall", value: undefined },
        says: /forwardingRules\[0\]: port 6443 is open to 0\.0\.0\.0\/0/,
      },
      {
        title: "a list with everybody",
        change: { path: "api/props/firewall/allows/0", value: "cidr:0.0.0.0/0" },
        says: /port 6443/,
      },
      {
        title: "no longer internal",
        change: { path: "api-internal/props/network", value: "EXTERNAL" },
        says: /port 6443/,
      },
    ],
  },
  {
    rule: "no-world-open-access",
    title: "security groups",
    resources: [group, groupRule, outRule, ingressRule],
    breaks: [
      {
        title: "SSH from everywhere",
        change: { path: "group/props/ingress/0/cidrBlocks", value: ["0.0.0.0/0"] },
        says: /ingress\[0\]: port 22/,
      },
      {
        title: "a range with the API in it",
        change: { path: "group/props/ingress/1/toPort", value: 8443 },
        says: /ingress\[1\]: port 2379 and 2380 and 2381 and 6443 is open to 0\.0\.0\.0\/0 and ::\/0/,
      },
      {
        title: "all protocols",
        change: { path: "group/props/ingress/2/protocol", value: "-1" },
        says: /ingress\[2\]: port 22 and 2379 and .* and 10259/,
      },
      { title: "a rule of its own", change: { path: "ssh/props/cidrBlocks", value: ["0.0.0.0/0"] }, says: /port 22/ },
      {
        title: "from out to in",
        change: { path: "out/props/type", value: "ingress" },
        says: /port 22 and 2379 and .* and 10259/,
      },
      {
        title: "a rule of the newer kind",
        change: { path: "api/props/cidrIpv4", value: "0.0.0.0/0" },
        says: /port 6443/,
      },
    ],
  },
  {
    rule: "machines-behind-firewall",
    title: "droplets by tag",
    resources: [firewall(), droplet("worker")],
    breaks: [
      {
        title: "another tag",
        change: { path: "firewall/props/tags", value: ["other-~"] },
        culprit: "worker",
        says: /no firewall applies to its tags or its id/,
      },
    ],
  },
  {
    rule: "machines-behind-firewall",
    title: "droplets by id",
    resources: [firewall("firewall", { tags: [], dropletIds: [ref("worker", "id")] }), droplet("worker")],
    breaks: [
      {
        title: "another id",
        change: { path: "firewall/props/dropletIds", value: [4711] },
        culprit: "worker",
        says: /no firewall/,
      },
    ],
  },
  {
    rule: "machines-behind-firewall",
    title: "instances",
    resources: [instance("worker")],
    breaks: [
      {
        title: "no group",
        change: { path: "worker/props/vpcSecurityGroupIds", value: undefined },
        says: /vpcSecurityGroupIds: got nothing/,
      },
    ],
  },
  {
    rule: "machines-behind-firewall",
    title: "network load balancers",
    resources: [networkBalancer("api"), networkBalancer("api-internal", { internal: true, securityGroups: undefined })],
    breaks: [
      {
        title: "no group",
        change: { path: "api/props/securityGroups", value: undefined },
        says: /securityGroups: got nothing, and it faces the internet/,
      },
      {
        title: "an empty list",
        change: { path: "api/props/securityGroups", value: [] },
        says: /securityGroups: got nothing/,
      },
      {
        title: "no longer internal",
        change: { path: "api-internal/props/internal", value: false },
        says: /faces the internet/,
      },
    ],
  },
];

function networkBalancer(name: string, props: Record<string, unknown> = {}): Given {
  const own = {
    loadBalancerType: "network",
    internal: false,
    subnets: ["subnet-0123456789abcdef0"],
    securityGroups: ["sg-0123456789abcdef0"],
    tags: awsTags,
  };
  return { type: "aws:lb/loadBalancer:LoadBalancer", name, props: { ...own, ...props } };
}

const storageClass = {
  type: "kubernetes:storage.k8s.io/v1:StorageClass",
  name: "ssd",
  props: { metadata: { name: "ssd" }, provisioner: "ebs.csi.aws.com", parameters: { type: "gp3", encrypted: "true" } },
};

export const diskCases: readonly Case[] = [
  {
    rule: "encrypted-disks",
    title: "AWS",
    resources: [
      volume("data"),
      instance("worker", { ebsBlockDevices: [{ deviceName: "/dev/sdf", encrypted: true }] }),
      template("workers"),
      storageClass,
    ],
    breaks: [
      {
        title: "volume",
        change: { path: "data/props/encrypted", value: false },
        says: /encrypted: got false, must be true/,
      },
      {
        title: "volume that does not say",
        change: { path: "data/props/encrypted", value: undefined },
        says: /encrypted: got nothing/,
      },
      {
        title: "root disk",
        change: { path: "worker/props/rootBlockDevice/encrypted", value: false },
        says: /rootBlockDevice\.encrypted: got false/,
      },
      {
        title: "no root disk described",
        change: { path: "worker/props/rootBlockDevice", value: undefined },
        says: /rootBlockDevice\.encrypted: got nothing/,
      },
      {
        title: "further disk",
        change: { path: "worker/props/ebsBlockDevices/0/encrypted", value: false },
        says: /ebsBlockDevices\[0\]\.encrypted/,
      },
      {
        title: "launch template",
        change: { path: "workers/props/blockDeviceMappings/0/ebs/encrypted", value: "false" },
        says: /blockDeviceMappings\[0\]\.ebs\.encrypted: got false/,
      },
      {
        title: "claims",
        change: { path: "ssd/props/parameters/encrypted", value: "false" },
        says: /parameters\.encrypted/,
      },
    ],
  },
];

const customImage = {
  type: "digitalocean:index/customImage:CustomImage",
  name: "flatcar",
  props: {
    name: "~-flatcar",
    regions: ["fra1"],
    url: "https://stable.release.flatcar-linux.net/amd64-usr/4593.2.5/flatcar_production_digitalocean_image.bin.bz2",
    tags: ["KubernetesCluster:test"],
  },
};

export const tagCases: readonly Case[] = [
  {
    rule: "resources-tagged",
    title: "DigitalOcean",
    resources: [firewall(), droplet("worker"), customImage, { ...dropletMember("x", "y")[1]!, parent: undefined }],
    breaks: [
      {
        title: "droplet",
        change: { path: "worker/props/tags", value: ["role-~"] },
        says: /tags: KubernetesCluster missing/,
      },
      {
        title: "a key without a value",
        change: { path: "worker/props/tags/1", value: "KubernetesCluster:" },
        says: /KubernetesCluster missing/,
      },
      { title: "volume", change: { path: "x-data/props/tags", value: undefined }, says: /KubernetesCluster missing/ },
      { title: "image", change: { path: "flatcar/props/tags", value: [] }, says: /KubernetesCluster missing/ },
    ],
  },
  {
    rule: "resources-tagged",
    title: "AWS",
    resources: [
      volume("data"),
      { type: "aws:ec2/vpc:Vpc", name: "vpc", props: { cidrBlock: "10.4.0.0/20", tags: awsTags } },
      {
        type: "aws:autoscaling/group:Group",
        name: "workers",
        props: { minSize: 1, maxSize: 2, tags: [{ key: "KubernetesCluster", value: "test", propagateAtLaunch: true }] },
      },
    ],
    breaks: [
      { title: "no tags", change: { path: "vpc/props/tags", value: undefined }, says: /KubernetesCluster missing/ },
      {
        title: "an empty value",
        change: { path: "data/props/tags/KubernetesCluster", value: "" },
        says: /KubernetesCluster missing/,
      },
      {
        title: "another key",
        change: { path: "workers/props/tags/0/key", value: "Name" },
        says: /KubernetesCluster missing/,
      },
    ],
  },
];

export const machineCases: readonly Case[] = [
  {
    rule: "os-image-pinned",
    title: "DigitalOcean",
    resources: [firewall(), customImage, droplet("worker"), droplet("named", { image: "flatcar-4593-2-5" })],
    breaks: [
      {
        title: "channel in the address",
        change: {
          path: "flatcar/props/url",
          value: "https://stable.release.flatcar-linux.net/amd64-usr/current/image.bin.bz2",
        },
        says: /url: .* contains "current"/,
      },
      {
        title: "no version in the address",
        change: { path: "flatcar/props/url", value: "https://example.com/flatcar.bin.bz2" },
        says: /names no exact version/,
      },
      {
        title: "a moving name",
        change: { path: "worker/props/image", value: "debian-12-x64" },
        says: /image: debian-12-x64 names no exact version/,
      },
    ],
  },
  {
    rule: "os-image-pinned",
    title: "AWS",
    resources: [instance("worker"), template("workers")],
    breaks: [
      {
        title: "instance",
        change: { path: "worker/props/ami", value: "resolve:ssm:/flatcar/stable" },
        says: /ami: resolve:ssm:\/flatcar\/stable is not an id/,
      },
      {
        title: "template",
        change: { path: "workers/props/imageId", value: "resolve:ssm:/flatcar/stable" },
        says: /imageId/,
      },
    ],
  },
  {
    rule: "instance-metadata-v2",
    title: "AWS",
    resources: [
      instance("worker"),
      template("workers"),
      instance("templated", { launchTemplate: { id: "lt-1" }, metadataOptions: undefined, rootBlockDevice: undefined }),
    ],
    breaks: [
      {
        title: "tokens are optional",
        change: { path: "worker/props/metadataOptions/httpTokens", value: "optional" },
        says: /httpTokens: got optional, must be required/,
      },
      {
        title: "nothing said",
        change: { path: "worker/props/metadataOptions", value: undefined },
        says: /httpTokens: got nothing/,
      },
      {
        title: "pods reach it",
        change: { path: "worker/props/metadataOptions/httpPutResponseHopLimit", value: 2 },
        says: /HopLimit: got 2, at most 1/,
      },
      {
        title: "template",
        change: { path: "workers/props/metadataOptions/httpTokens", value: "optional" },
        says: /httpTokens/,
      },
    ],
  },
];
