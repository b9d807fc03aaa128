/** Resources that every rule is content with, as the program makes them or would make them. */
import { type Given, ref } from "../support/case.js";

export const cluster = "corekube:etcd:Cluster";
const tags = { KubernetesCluster: "test" };

export function droplet(name: string, props: Record<string, unknown> = {}, parent?: string): Given {
  const own = {
    name: `~-${name}`,
    region: "fra1",
    size: "s-1vcpu-2gb",
    image: "184216001",
    tags: ["role-~", "KubernetesCluster:test"],
  };
  return {
    type: "digitalocean:index/droplet:Droplet",
    name,
    props: { ...own, ...props },
    ...(parent === undefined ? {} : { parent }),
  };
}

export function firewall(name = "firewall", props: Record<string, unknown> = {}): Given {
  const inboundRules = [
    { protocol: "tcp", portRange: "22", sourceAddresses: ["198.51.100.7/32"] },
    { protocol: "tcp", portRange: "30000-32767", sourceAddresses: ["0.0.0.0/0"] },
    { protocol: "icmp", sourceAddresses: ["0.0.0.0/0"] },
    { protocol: "tcp", portRange: "6443", sourceTags: ["role-~"] },
  ];
  return {
    type: "digitalocean:index/firewall:Firewall",
    name,
    props: { name: `~-${name}`, tags: ["role-~"], inboundRules, ...props },
  };
}

/** A droplet with a data volume; the firewall comes apart. */
export function dropletMember(name: string, parent: string): Given[] {
  return [
    droplet(name, {}, parent),
    {
      type: "digitalocean:index/volume:Volume",
      name: `${name}-data`,
      props: { name: `~-${name}-data`, region: "fra1", size: 3, tags: ["KubernetesCluster:test"] },
      parent,
    },
    {
      type: "digitalocean:index/volumeAttachment:VolumeAttachment",
      name: `${name}-attachment`,
      props: { dropletId: ref(name, "id"), volumeId: ref(`${name}-data`, "id") },
      parent,
    },
  ];
}

export const volume = (name: string): Given => ({
  type: "aws:ebs/volume:Volume",
  name,
  props: { availabilityZone: "eu-central-1a", size: 3, type: "gp3", encrypted: true, tags },
});

export function instance(name: string, props: Record<string, unknown> = {}, parent?: string): Given {
  const own = {
    ami: "ami-0123456789abcdef0",
    instanceType: "t3.small",
    vpcSecurityGroupIds: ["sg-0123456789abcdef0"],
    rootBlockDevice: { encrypted: true, volumeType: "gp3" },
    metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
    tags,
  };
  return {
    type: "aws:ec2/instance:Instance",
    name,
    props: { ...own, ...props },
    ...(parent === undefined ? {} : { parent }),
  };
}

export function instanceMember(name: string, parent: string): Given[] {
  return [
    instance(name, {}, parent),
    { ...volume(`${name}-data`), parent },
    {
      type: "aws:ec2/volumeAttachment:VolumeAttachment",
      name: `${name}-attachment`,
      props: { deviceName: "/dev/sdf", instanceId: ref(name, "id"), volumeId: ref(`${name}-data`, "id") },
      parent,
    },
  ];
}

export function template(name: string, props: Record<string, unknown> = {}): Given {
  const own = {
    imageId: "ami-0123456789abcdef0",
    blockDeviceMappings: [{ deviceName: "/dev/xvda", ebs: { encrypted: "true", volumeSize: 20 } }],
    metadataOptions: { httpTokens: "required", httpPutResponseHopLimit: 1 },
    tags,
  };
  return { type: "aws:ec2/launchTemplate:LaunchTemplate", name, props: { ...own, ...props } };
}

export const awsTags = tags;
