/** A cluster's description for component tests. */
import type { AwsSpec, ClusterSpec } from "../../../components/spec/cluster.js";
import { versions } from "../../../components/spec/versions.js";

/** 1 etcd member, 1 controller, 2 workers; or 3, 3 and 2 when `highAvailability`. */
export function testSpec(changes: Partial<ClusterSpec> & { workerCount?: number } = {}): ClusterSpec {
  const { workerCount = 2, ...rest } = changes;
  const count = rest.highAvailability ? 3 : 1;
  const resources = { pods: { cpus: 2, memory: 2048, disk: 10_240 }, system: { cpus: 1, memory: 1024 } };
  return {
    name: "dev",
    cloud: "digitalocean",
    region: "fra1",
    kubernetesVersion: versions.kubernetes,
    highAvailability: false,
    apiLoadBalancers: rest.highAvailability ?? false,
    logLevel: "INFO",
    etcd: {
      role: "etcd",
      pool: "etcd",
      count,
      size: "s-1vcpu-2gb",
      disk: 16,
      zones: [],
      cpus: 0.5,
      memory: 1024,
      disks: { type: "volumes", data: 10, wal: 1 },
    },
    controllers: {
      role: "controller",
      pool: "controller",
      count,
      size: "s-2vcpu-4gb",
      disk: 16,
      zones: [],
      resources: { pods: {}, system: { cpus: 0.25, memory: 1024 } },
    },
    workers: {
      role: "worker",
      pool: "worker",
      count: workerCount,
      size: "s-4vcpu-8gb",
      disk: 16,
      zones: [],
      resources,
    },
    publicWorkers: { role: "public", pool: "public", count: 0, size: "s-4vcpu-8gb", disk: 16, zones: [], resources },
    maxUnavailable: 1,
    components: {
      "kube-apiserver": { cpus: 0.5, memory: 1024 },
      "kube-controller-manager": { cpus: 0.5, memory: 512 },
      "kube-scheduler": { cpus: 0.5, memory: 512 },
      "kube-proxy": { cpus: 0.1, memory: 512 },
    },
    nodeCidr: "10.4.0.0/20",
    podCidr: "10.2.0.0/16",
    serviceCidr: "10.3.0.0/16",
    apiServiceAddress: "10.3.0.1",
    dnsServiceAddress: "10.3.0.10",
    nodePortRange: { from: 30000, to: 32767 },
    clusterDomain: "cluster.local",
    networkProvider: "flannel",
    cloudProvider: "none",
    csiDriver: false,
    podSecurity: "baseline",
    encryptionKey: 1,
    image: "flatcar-stable",
    adminCidrs: ["192.0.2.1/32"],
    sshPublicKeys: [],
    tags: { KubernetesCluster: "dev", team: "platform" },
    mirrors: { registries: {} },
    releases: versions.releases,
    images: versions.images,
    deletionProtection: true,
    drainTimeout: 120,
    bootTimeout: 600,
    ...rest,
  };
}

/** The same on AWS, with its cloud controller manager; `aws` fills up what is not said. */
export function awsTestSpec(
  changes: Partial<Omit<ClusterSpec, "aws">> & { workerCount?: number; aws?: Partial<AwsSpec> } = {},
): ClusterSpec {
  const { aws, ...rest } = changes;
  const network: AwsSpec = {
    publicSubnetIds: [],
    privateSubnetIds: [],
    machines: "public",
    nat: "zone",
    bastionSize: "t3.micro",
    volumeType: "gp3",
    endpoints: {},
    ...aws,
  };
  const spec = testSpec({
    cloud: "aws",
    region: "eu-central-1",
    image: "Flatcar-stable-4593.2.5-hvm",
    cloudProvider: "aws",
    csiDriver: true,
    apiLoadBalancers: rest.highAvailability === true || network.machines === "private",
    aws: network,
    ...rest,
  });
  const sized = <Pool extends { readonly size: string }>(pool: Pool, size: string): Pool => ({ ...pool, size });
  return {
    ...spec,
    etcd: sized(spec.etcd, "t3.small"),
    controllers: sized(spec.controllers, "t3.medium"),
    workers: sized(spec.workers, "t3.xlarge"),
    publicWorkers: sized(spec.publicWorkers, "t3.xlarge"),
  };
}
