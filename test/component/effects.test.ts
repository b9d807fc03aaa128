/** Each setting of the reference says what a change of it does to a cluster that runs. */
import assert from "node:assert/strict";
import { effects } from "../../infra/settings/reference.js";
import { aws, type Settings } from "../settings/support/cases.js";
import { veleroKeys, withVelero } from "../settings/support/velero.js";
import { setVeleroKeys } from "./support/veleroSpec.js";
import { effectOf } from "./support/effects.js";
import type { Calls } from "./support/mocks.js";
import { runTimeout } from "./support/registrations.js";

const key = (name: string): string =>
  `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ${name}@example`;
const awsBase: Settings = { ...aws, node_count: 2, public_node_count: 1 };
const base: Settings = { cluster_name: "dev", node_count: 2, public_node_count: 1 };
const ofAws = (value: object): Settings => ({ ...awsBase, aws: value });
const sizes: Settings = { controller_size: "t3.xlarge", node_size: "t3.xlarge", public_node_size: "t3.xlarge" };
const volumes: Settings = { cloud_provider: "aws", etcd: { data_disk: 4096, wal_disk: 4096 } };
const subnet = (zone: string, third: number) => ({
  vpcId: "vpc-0a1b2c3d",
  availabilityZone: `eu-central-1${zone}`,
  cidrBlock: `10.4.${third}.0/24`,
  tags: { "kubernetes.io/cluster/dev": "shared" },
});
/** A network that exists, with two subnets of each kind in one zone. */
const calls: Calls = {
  "aws:ec2/getVpc:getVpc": { "vpc-0a1b2c3d": { id: "vpc-0a1b2c3d", cidrBlock: "10.4.0.0/16" } },
  "aws:ec2/getSubnet:getSubnet": {
    "subnet-0a1b2c01": subnet("a", 1),
    "subnet-0a1b2c02": subnet("a", 2),
    "subnet-0a1b2c03": subnet("a", 3),
    "subnet-0a1b2c04": subnet("a", 4),
  },
};
const inNetwork = (publicSubnet: string, privateSubnet?: string): Settings =>
  ofAws({
    vpc_id: "vpc-0a1b2c3d",
    public_subnet_ids: [`subnet-0a1b2c${publicSubnet}`],
    ...(privateSubnet === undefined
      ? {}
      : { machines: "private", private_subnet_ids: [`subnet-0a1b2c${privateSubnet}`] }),
  });
const dashboard: Settings = { addons: { dashboard: { enabled: true } } };
const ingress = (value: object): Settings => ({ addons: { ingress: { enabled: true, ...value } } });
const snapshots = (value: object): Settings => ({
  ...awsBase,
  ...sizes,
  cloud_provider: "aws",
  addons: { volume_snapshots: value },
});
const rule = { role: "controller", ports: "9000", from: "nodes" };

/** Setting, and a change of it: beside the defaults, or of other settings before. */
const changes: Readonly<Record<string, readonly [after: Settings, before?: Settings]>> = {
  cluster_name: [{ cluster_name: "prod" }],
  cloud: [awsBase, base],
  kubernetes_version: [{ kubernetes_version: "1.36.3" }, { kubernetes_version: "1.35.4" }],
  emulated_version: [{ kubernetes_version: "1.36.3", emulated_version: "1.35" }, { kubernetes_version: "1.35.4" }],
  accept_removed_apis: [{ accept_removed_apis: "1.37" }],
  region: [{ region: "ams3" }],
  high_availability: [{ high_availability: true }],
  log_level: [{ log_level: "DEBUG" }],
  node_count: [{ node_count: 3 }],
  public_node_count: [{ public_node_count: 2 }],
  node_size: [{ node_size: "s-8vcpu-16gb" }],
  public_node_size: [{ public_node_size: "s-8vcpu-16gb" }],
  controller_size: [{ controller_size: "s-4vcpu-8gb" }],
  etcd_size: [{ etcd_size: "s-4vcpu-8gb" }],
  max_unavailable: [{ node_count: 2, max_unavailable: 2 }],
  control_plane_placement: [
    { ...awsBase, control_plane_placement: "eu-central-1b" },
    { ...awsBase, control_plane_placement: "eu-central-1a" },
  ],
  node_placement: [
    { ...awsBase, node_placement: "eu-central-1b" },
    { ...awsBase, node_placement: "eu-central-1a" },
  ],
  public_node_placement: [
    { ...awsBase, public_node_placement: "eu-central-1b" },
    { ...awsBase, public_node_placement: "eu-central-1a" },
  ],
  node_labels: [{ node_labels: { disk: "fast" } }],
  node_taints: [{ node_taints: [{ key: "dedicated", value: "x", effect: "NoSchedule" }] }],
  public_node_labels: [{ public_node_labels: { disk: "fast" } }],
  public_node_taints: [{ public_node_taints: [{ key: "dedicated", value: "x", effect: "NoSchedule" }] }],
  image: [{ image: "7938207" }],
  reserved_resources: [
    { node_size: "s-4vcpu-8gb", reserved_resources: { system_mem: 2048 } },
    { node_size: "s-4vcpu-8gb" },
  ],
  public_reserved_resources: [
    { public_node_size: "s-4vcpu-8gb", public_reserved_resources: { system_mem: 2048 } },
    { public_node_size: "s-4vcpu-8gb" },
  ],
  apiserver: [{ apiserver: { mem: 1200 }, controller_size: "s-4vcpu-8gb" }, { controller_size: "s-4vcpu-8gb" }],
  controller_manager: [
    { controller_manager: { mem: 600 }, controller_size: "s-4vcpu-8gb" },
    { controller_size: "s-4vcpu-8gb" },
  ],
  scheduler: [{ scheduler: { mem: 600 }, controller_size: "s-4vcpu-8gb" }, { controller_size: "s-4vcpu-8gb" }],
  kube_proxy: [{ kube_proxy: { mem: 600 }, controller_size: "s-4vcpu-8gb" }, { controller_size: "s-4vcpu-8gb" }],
  "etcd.count": [{ etcd: { count: 3 } }],
  "etcd.cpus": [{ etcd: { cpus: 0.6 }, etcd_size: "s-4vcpu-8gb" }, { etcd_size: "s-4vcpu-8gb" }],
  "etcd.mem": [{ etcd: { mem: 1200 }, etcd_size: "s-4vcpu-8gb" }, { etcd_size: "s-4vcpu-8gb" }],
  "etcd.data_disk": [{ etcd: { data_disk: 10240 } }],
  "etcd.wal_disk": [{ etcd: { wal_disk: 10240 } }],
  "etcd.disk_type": [{ etcd: { count: 3, disk_type: "ROOT" } }, { etcd: { count: 3 } }],
  node_cidr: [{ node_cidr: "10.5.0.0/20" }],
  pod_cidr: [{ pod_cidr: "10.6.0.0/16" }],
  service_cidr: [{ service_cidr: "10.7.0.0/16" }],
  node_port_range: [{ node_port_range: "30000-31000" }],
  network_mtu: [{ network_mtu: 1400 }],
  cluster_domain: [{ cluster_domain: "k8s.example" }],
  network_provider: [{ network_provider: "none" }],
  cloud_provider: [{ ...awsBase, cloud_provider: "aws" }, awsBase],
  csi_driver: [
    { ...awsBase, ...sizes, cloud_provider: "aws", csi_driver: false },
    { ...awsBase, ...sizes, cloud_provider: "aws" },
  ],
  "aws.vpc_id": [inNetwork("01"), awsBase],
  "aws.public_subnet_ids": [inNetwork("02"), inNetwork("01")],
  "aws.private_subnet_ids": [inNetwork("01", "04"), inNetwork("01", "03")],
  "aws.machines": [ofAws({ machines: "private" }), awsBase],
  "aws.nat": [ofAws({ machines: "private", nat: "single" }), ofAws({ machines: "private" })],
  "aws.bastion_size": [ofAws({ machines: "private", bastion_size: "t3.small" }), ofAws({ machines: "private" })],
  "aws.volume_type": [
    { ...ofAws({ volume_type: "io2" }), ...volumes },
    { ...awsBase, ...volumes },
  ],
  "aws.volume_key_arns": [
    {
      ...ofAws({ volume_key_arns: ["arn:aws:kms:eu-central-1:123456789012:key/mrk-1234abcd12ab34cd56ef1234567890ab"] }),
      cloud_provider: "aws",
    },
    { ...awsBase, cloud_provider: "aws" },
  ],
  "aws.endpoints.ec2": [
    { ...ofAws({ endpoints: { ec2: "https://vpce.example" } }), cloud_provider: "aws" },
    { ...awsBase, cloud_provider: "aws" },
  ],
  "aws.endpoints.elasticloadbalancing": [
    { ...ofAws({ endpoints: { elasticloadbalancing: "https://vpce.example" } }), cloud_provider: "aws" },
    { ...awsBase, cloud_provider: "aws" },
  ],
  "addons.coredns.enabled": [{ addons: { coredns: { enabled: false } } }],
  "addons.coredns.replicas": [{ addons: { coredns: { replicas: 3 } } }],
  "addons.coredns.upstreams": [{ addons: { coredns: { upstreams: ["192.0.2.53"] } } }],
  "addons.coredns.stub_domains": [{ addons: { coredns: { stub_domains: { "corp.example": ["192.0.2.53"] } } } }],
  "addons.coredns.node_local_cache": [{ addons: { coredns: { node_local_cache: true } } }],
  "addons.coredns.cpus": [{ addons: { coredns: { cpus: 0.2 } } }],
  "addons.coredns.mem": [{ addons: { coredns: { mem: 100 } } }],
  "addons.coredns.mem_limit": [{ addons: { coredns: { mem_limit: 300 } } }],
  "addons.metrics_server.enabled": [{ addons: { metrics_server: { enabled: false } } }],
  "addons.metrics_server.cpus": [{ addons: { metrics_server: { cpus: 0.2 } } }],
  "addons.metrics_server.mem": [{ addons: { metrics_server: { mem: 150 } } }],
  "addons.metrics_server.mem_limit": [{ addons: { metrics_server: { mem_limit: 400 } } }],
  "addons.dashboard.enabled": [{ addons: { dashboard: { enabled: true } } }],
  "addons.dashboard.cpus": [{ addons: { dashboard: { enabled: true, cpus: 0.2 } } }, dashboard],
  "addons.dashboard.mem": [{ addons: { dashboard: { enabled: true, mem: 100 } } }, dashboard],
  "addons.dashboard.mem_limit": [{ addons: { dashboard: { enabled: true, mem_limit: 300 } } }, dashboard],
  "addons.ingress.enabled": [ingress({})],
  "addons.ingress.expose": [
    { ...awsBase, ...sizes, cloud_provider: "aws", ...ingress({ expose: "load_balancer" }) },
    { ...awsBase, ...sizes, cloud_provider: "aws", ...ingress({}) },
  ],
  "addons.ingress.redirect": [ingress({ redirect: false }), ingress({})],
  "addons.ingress.default_certificate": [ingress({ default_certificate: "example-tls" }), ingress({})],
  "addons.ingress.cpus": [ingress({ cpus: 0.2 }), ingress({})],
  "addons.ingress.mem": [ingress({ mem: 128 }), ingress({})],
  "addons.ingress.mem_limit": [ingress({ mem_limit: 512 }), ingress({})],
  "addons.local_path.enabled": [{ addons: { local_path: { enabled: false } } }],
  "addons.local_path.path": [{ addons: { local_path: { path: "/opt/volumes" } } }],
  "addons.local_path.cpus": [{ addons: { local_path: { cpus: 0.2 } } }],
  "addons.local_path.mem": [{ addons: { local_path: { mem: 100 } } }],
  "addons.local_path.mem_limit": [{ addons: { local_path: { mem_limit: 300 } } }],
  "addons.network_policies.enabled": [{ addons: { network_policies: { enabled: true } } }],
  ...Object.fromEntries(
    Object.entries({ fail_open: true, cpus: 0.04, mem: 100, mem_limit: 300 }).map(([name, value]) => [
      `addons.network_policies.${name}`,
      [
        { addons: { network_policies: { enabled: true, [name]: value } } },
        { addons: { network_policies: { enabled: true } } },
      ] as const,
    ]),
  ),
  "addons.velero.enabled": [withVelero(), veleroKeys],
  "addons.velero.bucket": [withVelero({ bucket: "others" }), withVelero()],
  "addons.velero.prefix": [withVelero({ prefix: "prod" }), withVelero()],
  "addons.velero.region": [withVelero({ region: "eu-west-1" }), withVelero()],
  "addons.velero.endpoint": [withVelero({ endpoint: "https://s3.example.net" }), withVelero()],
  "addons.velero.path_style": [withVelero({ path_style: true }), withVelero()],
  "addons.velero.schedule": [withVelero({ schedule: "@weekly" }), withVelero()],
  "addons.velero.keep_days": [withVelero({ keep_days: 7 }), withVelero()],
  "addons.velero.cpus": [withVelero({ cpus: 0.2 }), withVelero()],
  "addons.velero.mem": [withVelero({ mem: 200 }), withVelero()],
  "addons.velero.mem_limit": [withVelero({ mem_limit: 600 }), withVelero()],
  "addons.volume_snapshots.enabled": [snapshots({ enabled: false }), snapshots({})],
  "addons.volume_snapshots.cpus": [snapshots({ cpus: 0.2 }), snapshots({})],
  "addons.volume_snapshots.mem": [snapshots({ mem: 64 }), snapshots({})],
  "addons.volume_snapshots.mem_limit": [snapshots({ mem_limit: 300 }), snapshots({})],
  admin_cidrs: [{ admin_cidrs: ["198.51.100.0/24"] }],
  api_names: [{ api_names: ["api.example.com"] }],
  firewall_rules: [{ firewall_rules: [rule] }],
  ssh_public_keys: [{ ssh_public_keys: [key("ada")] }],
  pod_security: [{ pod_security: "restricted" }],
  encryption_key: [{ encryption_key: 2 }],
  tags: [{ tags: { team: "x" } }],
  deletion_protection: [{ deletion_protection: false }],
  http_proxy: [{ http_proxy: "http://proxy.example:3128" }],
  https_proxy: [{ https_proxy: "http://proxy.example:3128" }],
  no_proxy: [
    { https_proxy: "http://proxy.example:3128", no_proxy: ".corp.example" },
    { https_proxy: "http://proxy.example:3128" },
  ],
  ntp_servers: [{ ntp_servers: ["ntp.example.com"] }],
  "mirrors.releases": [{ mirrors: { releases: "https://mirror.example" } }],
  "mirrors.registries": [{ mirrors: { registries: { "registry.k8s.io": "https://mirror.example:5000" } } }],
  "mirrors.checksums": [{ mirrors: { checksums: "test/component/support/checksums.json" } }],
  drain_timeout: [{ drain_timeout: 60 }],
  boot_timeout: [{ boot_timeout: 900 }],
};

/** A change on another cloud says all of it. */
function pair([after, before = {}]: (typeof changes)[string]): readonly [Settings, Settings] {
  const from = "cloud" in before ? before : { ...base, ...before };
  return [from, "cloud" in after ? after : { ...from, ...after }];
}

describe("a change of a setting does what its reference says", function () {
  this.timeout(runTimeout);
  before(setVeleroKeys);

  it("for each of them", () => assert.deepEqual([...effects().keys()].sort(), Object.keys(changes).sort()));

  for (const [path, change] of Object.entries(changes))
    it(path, async () => assert.equal(await effectOf(...pair(change), calls), effects().get(path)));
});
