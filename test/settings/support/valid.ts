/** Configurations at the edges of what is allowed. */
import type { Settings } from "./cases.js";
import { validAws } from "./validAws.js";
import { validVelero } from "./velero.js";

const key = (kind: string, body: number): string => `${kind} ${"AAAA".padEnd(body, "b")} ada@example`;

/** Set beside what a stack must say. */
export const valid: readonly Settings[] = [
  {},
  { cluster_name: "a" },
  { cluster_name: "a".repeat(40) },
  { cluster_name: "a-0-b" },
  { region: "syd1", log_level: "DEBUG" },
  { region: "nyc1", log_level: "ERROR" },
  { kubernetes_version: "1.36.3" },
  { kubernetes_version: "1.35.4", emulated_version: "" },
  { accept_removed_apis: "1.37" },
  { high_availability: true },
  { high_availability: true, etcd: { count: 5 } },
  { etcd: { count: 3 } },
  { etcd: { count: 5, disk_type: "ROOT" } },
  { etcd: { data_disk: 1024, wal_disk: 512 } },
  { etcd: { data_disk: 65_536, wal_disk: 65_536, mem: 8192, cpus: 4 } },
  { etcd: { count: 3, disk_type: "ROOT", data_disk: 40_000 }, etcd_size: "s-2vcpu-4gb" },
  { node_count: 255 },
  { node_count: 6, public_node_count: 3, max_unavailable: 6 },
  { public_node_count: 1, public_node_size: "c-2" },
  { public_reserved_resources: { kube_cpus: 1, kube_mem: 1024 }, public_node_size: "s-2vcpu-4gb" },
  { node_size: "s-1vcpu-1gb", node_count: 2, addons: { metrics_server: { enabled: false } } },
  {
    node_size: "s-4vcpu-8gb",
    reserved_resources: { kube_cpus: 3, kube_mem: 6000, kube_disk: 100_000, system_cpus: 1, system_mem: 1024 },
  },
  { node_size: "s-8vcpu-16gb", reserved_resources: { kube_mem: 12_000 } },
  { reserved_resources: { kube_cpus: 0.51, kube_mem: 840, kube_disk: 1024, system_cpus: 0.1, system_mem: 256 } },
  { reserved_resources: { kube_cpus: 31, kube_mem: 120_000, system_cpus: 1 } },
  {
    apiserver: { cpus: 0.05, mem: 64 },
    controller_manager: { cpus: 0.05, mem: 64 },
    scheduler: { cpus: 0.05, mem: 64 },
  },
  { apiserver: { cpus: 8, mem: 32_768 }, controller_manager: { cpus: 2, mem: 4096 } },
  { controller_size: "s-2vcpu-4gb", etcd_size: "s-1vcpu-2gb" },
  { control_plane_placement: "spread", node_placement: "spread", public_node_placement: "spread" },
  { node_cidr: "10.4.0.0/28", node_count: 7 },
  { node_cidr: "192.168.0.0/16", pod_cidr: "172.16.0.0/12", service_cidr: "10.96.0.0/12" },
  { pod_cidr: "10.2.0.0/23" },
  { pod_cidr: "100.64.0.0/10", service_cidr: "192.168.255.240/28" },
  { pod_cidr: "10.128.0.0/9", service_cidr: "10.3.0.0/28", node_count: 1000, node_size: "s-2vcpu-2gb" },
  { node_port_range: "20000-20000" },
  { node_port_range: "10261-65535" },
  { network_mtu: 1280 },
  { network_mtu: 9001 },
  { cluster_domain: "k8s.example.com" },
  { api_names: ["api.example.com", "k8s", "203.0.113.9", "2001:db8::9", `${"a".repeat(63)}.example`] },
  { ntp_servers: ["ntp.example.com", "10.4.0.1"] },
  {
    node_labels: {
      disk: "fast",
      empty: "",
      "example.com/Rack_7": "a.b-c_D",
      "node-role.kubernetes.io/ingress": "",
      "node-restriction.kubernetes.io/tier": "1",
      "node.kubernetes.io/exclude-from-external-load-balancers": "true",
    },
    node_taints: [
      { key: "dedicated", value: "gpu", effect: "NoSchedule" },
      { key: "dedicated", effect: "NoExecute" },
    ],
    public_node_labels: { edge: "1" },
    public_node_taints: [{ key: "example.com/edge", effect: "PreferNoSchedule" }],
  },
  { cluster_domain: `${"a".repeat(31)}.${"b".repeat(31)}` },
  { network_provider: "none" },
  { addons: { coredns: { enabled: false } } },
  { addons: { metrics_server: { enabled: false } } },
  { addons: { metrics_server: { cpus: 1.5, mem: 512, mem_limit: 512 } } },
  {
    addons: {
      coredns: {
        replicas: 5,
        upstreams: ["192.0.2.53", "192.0.2.54"],
        stub_domains: { "corp.example": ["10.200.0.2"], lan: ["10.200.0.2"] },
        cpus: 0.05,
        mem: 64,
        mem_limit: 64,
      },
    },
  },
  { addons: { dashboard: { enabled: true, cpus: 0.01, mem: 16, mem_limit: 16 } } },
  { addons: { ingress: { enabled: false, expose: "load_balancer", default_certificate: "a.b-c" } } },
  {
    public_node_count: 1,
    addons: {
      ingress: { enabled: true, redirect: false, default_certificate: "a".repeat(253), mem: 64, mem_limit: 64 },
    },
  },
  {
    cloud_provider: "digitalocean",
    "digitalocean-cluster:token": "of the cluster's own",
    addons: { ingress: { enabled: true, expose: "load_balancer" } },
  },
  { addons: { local_path: { enabled: false } } },
  { addons: { coredns: { node_local_cache: true } } },
  { addons: { volume_snapshots: { enabled: false, cpus: 0.02, mem: 64, mem_limit: 64 } } },
  { addons: { network_policies: { enabled: true, fail_open: true, cpus: 0.05, mem: 50, mem_limit: 100 } } },
  { network_provider: "none", addons: { network_policies: { enabled: false, fail_open: true } } },
  ...["/opt/volumes", "/srv/a", "/mnt/disk-1/volumes", "/var/lib/local-path/x.y"].map((path) => ({
    addons: { local_path: { path, cpus: 0.05, mem: 64, mem_limit: 64 } },
  })),
  { pod_security: "restricted", encryption_key: 1_000_000 },
  { pod_security: "privileged", deletion_protection: false },
  {
    http_proxy: "http://proxy.example:3128",
    https_proxy: "http://192.0.2.30:3128",
    no_proxy: ".corp.example,*.lan,10.200.0.0/16,192.0.2.9:5000,[2001:db8::1]",
  },
  { https_proxy: `https://proxy.example/${"a".repeat(1970)}` },
  {
    no_proxy: Array.from({ length: 100 }, (_, index) => `h${index}.corp.example`)
      .join(",")
      .slice(0, 1900)
      .replace(/,[^,]*$/, ""),
  },
  { image: "flatcar-stable" },
  { image: "123456" },
  { image: "flatcar-13510.3.6" },
  { image: "https://images.example/flatcar.bin.bz2" },
  { admin_cidrs: ["0.0.0.0/0", "::/0", "2001:db8::/32"] },
  { admin_cidrs: Array.from({ length: 50 }, (_, index) => `192.0.2.${index}/32`) },
  {
    ssh_public_keys: [
      key("ssh-ed25519", 68),
      key("ssh-rsa", 700),
      key("sk-ssh-ed25519@openssh.com", 80),
      key("ecdsa-sha2-nistp256", 140),
    ],
  },
  {
    firewall_rules: [
      { role: "nodes", ports: "9100", from: "nodes" },
      // As the engine writes a port alone.
      { role: "nodes", ports: 9100, from: "nodes" },
      { role: "worker", protocol: "udp", ports: "1-65535", from: "network" },
      { role: "public", protocol: "icmp", from: "everyone" },
      { role: "etcd", ports: "2381", from: "2001:db8::/32" },
      { role: "controller", ports: "6443", from: "198.51.100.7/32" },
      // A range that has the pods' in it: machines are there too.
      { role: "etcd", ports: "2382", from: "10.0.0.0/8" },
    ],
  },
  { tags: { KubernetesCluster: "kubernetes", env: "", team: "platform:eu" } },
  { tags: Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`name-${index}`, "value"])) },
  {
    mirrors: {
      releases: "http://192.0.2.9:5080/base/",
      registries: { "registry.example:5000": "https://mirror.example", "ghcr.io": "http://192.0.2.9:5000/ghcr.io" },
    },
  },
  {
    mirrors: {
      registries: Object.fromEntries(
        Array.from({ length: 20 }, (_, index) => [
          `registry-${index}.example`,
          `https://mirror.example/registry-${index}`,
        ]),
      ),
    },
  },
  { drain_timeout: 0, boot_timeout: 60 },
  { drain_timeout: 7200, boot_timeout: 7200 },
  { cloud_provider: "digitalocean", "digitalocean-cluster:token": "of the cluster's own" },
  { no_proxy: "*" },
  { cloud_provider: "digitalocean", csi_driver: false, "digitalocean:token": "of the cluster's own" },
  ...validAws,
  ...validVelero,
];
