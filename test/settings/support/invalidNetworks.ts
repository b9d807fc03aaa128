/** Configurations that are refused: networks, ports, proxies, mirrors, and several mistakes at once. */
import type { Refusal, Settings } from "./cases.js";

type Refused = (settings: Settings, paths: string | readonly string[], remedy: string, byEngine?: true) => Refusal;

const networks = (refused: Refused): readonly Refusal[] => [
  refused({ node_cidr: "10.4.0.1/20" }, "node_cidr", "whose address is its first"),
  refused({ node_cidr: "10.4.0.0" }, "node_cidr", "CIDR notation"),
  refused({ node_cidr: "10.4.0.0/33" }, "node_cidr", "CIDR notation"),
  refused({ node_cidr: "fd00::/64" }, "node_cidr", "an IPv4 network"),
  refused(
    { node_cidr: "10.0.0.0/8" },
    ["node_cidr", "pod_cidr", "service_cidr"],
    "a prefix from /16 to /28: the cloud accepts no other. Set it: pulumi config set node_cidr 10.0.0.0/16",
  ),
  refused(
    { node_cidr: "10.0.0.0/8", pod_cidr: "172.16.0.0/16", service_cidr: "172.17.0.0/16" },
    "node_cidr",
    "10.229.0.0/16, 10.244.0.0/16, 10.245.0.0/16, 10.246.0.0/24, which digitalocean reserves. Set it: pulumi config set node_cidr 10.0.0.0/16",
  ),
  refused({ node_cidr: "10.4.0.0/29" }, "node_cidr", "no other. Set it: pulumi config set node_cidr 10.0.0.0/28"),
  refused(
    { node_cidr: "8.8.0.0/20" },
    "node_cidr",
    "one inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16. Set it: pulumi config set node_cidr 10.0.0.0/20",
  ),
  refused({ node_cidr: "8.8.0.0/20", pod_cidr: "none" }, ["node_cidr", "pod_cidr"], "set node_cidr 10.0.0.0/20"),
  refused({ node_cidr: "100.64.0.0/20" }, "node_cidr", "a private network"),
  refused({ node_cidr: "10.244.0.0/20" }, "node_cidr", "reserves. Set it: pulumi config set node_cidr 10.0.0.0/20"),
  refused({ node_cidr: "169.254.0.0/20" }, "node_cidr", "outside 169.254.0.0/16"),
  refused(
    { node_cidr: "10.4.0.0/28", node_count: 8 },
    "node_cidr",
    "room for 10 machines (this one has 9 addresses for them): a prefix of at most /27. Set it: pulumi config set node_cidr 10.0.0.0/27",
  ),
  refused({ node_cidr: "10.4.0.0/28", public_node_count: 9 }, "node_cidr", "room for 12 machines"),
  refused(
    { node_cidr: "10.4.0.0/24", node_count: 200, public_node_count: 56 },
    ["node_cidr", "pod_cidr"],
    "a prefix of at most /23",
  ),
  refused(
    { pod_cidr: "10.0.0.0/25" },
    "pod_cidr",
    "each node gets a /24. Set it: pulumi config set pod_cidr 10.0.0.0/24",
  ),
  refused(
    { node_cidr: "10.0.0.0/20", pod_cidr: "10.0.0.0/16", service_cidr: "10.1.0.0/16" },
    "pod_cidr",
    "pulumi config set pod_cidr 10.2.0.0/16",
  ),
  refused({ pod_cidr: "10.0.0.0/8" }, ["pod_cidr", "service_cidr"], "Set it: pulumi config set pod_cidr <network>"),
  refused({ pod_cidr: "10.0.0.0/26" }, "pod_cidr", "1 problem in the stack's settings"),
  refused({ pod_cidr: "172.0.0.0/8" }, "pod_cidr", "a private network"),
  refused(
    { pod_cidr: "8.0.0.0/12" },
    "pod_cidr",
    "one inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, 198.18.0.0/15; a public one would make those addresses unreachable from the cluster. Set it: pulumi config set pod_cidr 10.0.0.0/16",
  ),
  refused(
    { pod_cidr: "10.2.0.0/24" },
    "pod_cidr",
    "each of 2 nodes (this one has 1): a prefix of at most /23. Set it: pulumi config set pod_cidr 10.0.0.0/23",
  ),
  refused(
    { node_count: 256 },
    "pod_cidr",
    "257 nodes (this one has 256): a prefix of at most /15. Set it: pulumi config set pod_cidr 10.0.0.0/15",
  ),
  refused({ node_count: 200, public_node_count: 60 }, "pod_cidr", "261 nodes"),
  refused(
    { pod_cidr: "10.2.0.0/22", high_availability: true, node_count: 2 },
    "pod_cidr",
    "each of 5 nodes (this one has 4)",
  ),
  refused(
    { pod_cidr: "10.4.0.0/16" },
    "pod_cidr",
    "shares no address with corekube:node_cidr (10.4.0.0/20). Set it: pulumi config set pod_cidr 10.0.0.0/16",
  ),
  refused({ pod_cidr: "10.3.128.0/17" }, "service_cidr", "shares no address with corekube:pod_cidr (10.3.128.0/17)"),
  refused(
    { pod_cidr: "8.0.0.0/16" },
    "pod_cidr",
    "a public one would make those addresses unreachable from the cluster",
  ),
  refused({ pod_cidr: "224.0.0.0/16" }, "pod_cidr", "outside 224.0.0.0/4"),
  refused({ pod_cidr: "10.2.3.4/16" }, "pod_cidr", "whose address is its first"),
  refused(
    { addons: { coredns: { mem_limit: 64 } } },
    "addons.coredns.mem_limit",
    "at least addons.coredns.mem (70), which the pod is promised. Set it: pulumi config set --path 'addons.coredns.mem_limit' 70",
  ),
  refused(
    { addons: { metrics_server: { mem: 400 } } },
    "addons.metrics_server.mem_limit",
    "at least addons.metrics_server.mem (400), which the pod is promised. Set it: pulumi config set --path 'addons.metrics_server.mem_limit' 400",
  ),
  refused(
    { addons: { metrics_server: { enabled: "yes" } } },
    "addons.metrics_server.enabled",
    "Set it: pulumi config set --path 'addons.metrics_server.enabled'",
  ),
  refused({ addons: { "metrics-server": {} } }, "addons.metrics-server", "did you mean addons.metrics_server"),
  refused({ addons: { coredns: { replicas: 0 } } }, "addons.coredns.replicas", "from 1 to 100"),
  refused({ addons: { coredns: { replica: 3 } } }, "addons.coredns.replica", "did you mean addons.coredns.replicas"),
  refused({ addons: { core_dns: {} } }, "addons.core_dns", "did you mean addons.coredns. Remove it: pulumi config rm"),
  refused(
    { addons: { coredns: { upstreams: ["dns.example"] } } },
    "addons.coredns.upstreams[0]",
    "an IPv4 address. Set it: pulumi config set --path 'addons.coredns.upstreams[0]' <value>",
  ),
  refused(
    { addons: { coredns: { upstreams: ["192.0.2.53", "10.3.0.10"] } } },
    "addons.coredns.upstreams[1]",
    "this is the cluster's own, which would ask itself",
  ),
  refused(
    { addons: { coredns: { stub_domains: { "Corp.example": ["192.0.2.53"] } } } },
    'addons.coredns.stub_domains["Corp.example"]',
    "a lower-case DNS name",
  ),
  refused(
    { addons: { coredns: { stub_domains: { "corp.example": [] } } } },
    'addons.coredns.stub_domains["corp.example"]',
    "at most 8 IPv4 addresses",
  ),
  refused(
    { addons: { coredns: { stub_domains: { "cluster.local": ["192.0.2.53"] } } } },
    'addons.coredns.stub_domains["cluster.local"]',
    "outside corekube:cluster_domain (cluster.local)",
  ),
  refused(
    { addons: { ingress: { enabled: true } } },
    "public_node_count",
    "at least 1: addons.ingress.expose is nodes, and clients reach it on public workers only. Set it: pulumi config set public_node_count 1",
  ),
  refused(
    { addons: { ingress: { enabled: true, expose: "load_balancer" } }, public_node_count: 1 },
    "addons.ingress.expose",
    "nodes: corekube:cloud_provider (none) makes no load balancers, digitalocean would. Set it: pulumi config set --path 'addons.ingress.expose' nodes",
  ),
  refused({ addons: { ingress: { expose: "node" } } }, "addons.ingress.expose", "allowed: nodes, load_balancer"),
  refused(
    { addons: { ingress: { default_certificate: "Example" } } },
    "addons.ingress.default_certificate",
    "the name of a Secret: lower-case letters, digits, dashes and dots",
  ),
  refused(
    { addons: { ingress: { mem: 512 } } },
    "addons.ingress.mem_limit",
    "at least addons.ingress.mem (512), which the pod is promised",
  ),
  refused({ service_cidr: "10.4.1.0/24" }, "service_cidr", "shares no address with corekube:node_cidr"),
  refused({ service_cidr: "10.2.0.0/16" }, "service_cidr", "Set it: pulumi config set service_cidr 10.0.0.0/16"),
  refused({ service_cidr: "10.3.0.0/29" }, "service_cidr", "the tenth address must be in it"),
  refused({ service_cidr: "10.96.0.0/11" }, "service_cidr", "from /12 to /28"),
  refused({ service_cidr: "198.51.100.0/24" }, "service_cidr", "a private network"),
  refused({ service_cidr: "none" }, "service_cidr", "pulumi config set service_cidr <value>"),
  refused({ node_port_range: "32767-30000" }, "node_port_range", "the lower one first"),
  refused({ node_port_range: "30000-70000" }, "node_port_range", "from 1 to 65535"),
  refused({ node_port_range: "0-100" }, "node_port_range", "from 1 to 65535"),
  refused({ node_port_range: "30000" }, "node_port_range", "such as 30000-32767"),
  refused(
    { node_port_range: "10000-11000" },
    "node_port_range",
    "10248 (kubelet-health), 10249 (kube-proxy-metrics), 10250 (kubelet), 10256 (kube-proxy-health), 10257 (kube-controller-manager), 10258 (cloud-controller-manager), 10259 (kube-scheduler), 10260 (cloud-controller-manager-metrics). Set it: pulumi config set node_port_range 30000-32767",
  ),
  refused({ node_port_range: "400-500" }, "node_port_range", "443 (https). Set it"),
  refused({ node_port_range: "10250-10250" }, "node_port_range", "10250 (kubelet). Set it"),
  refused({ network_mtu: 576 }, "network_mtu", "0, or a whole number of bytes from 1280 to 9001"),
  refused({ network_mtu: 9100 }, "network_mtu", "pulumi config set network_mtu <value>"),
  refused({ cluster_domain: "Cluster.local" }, "cluster_domain", "a lower-case DNS name"),
  refused({ cluster_domain: "cluster.local." }, "cluster_domain", "such as cluster.local"),
  refused({ cluster_domain: "a..b" }, "cluster_domain", "pulumi config set cluster_domain <value>"),
  refused({ network_provider: "calico" }, "network_provider", "allowed: flannel, none"),
  refused(
    { cloud_provider: "aws" },
    "cloud_provider",
    "none or digitalocean (must match corekube:cloud). Set it: pulumi config set cloud_provider none",
  ),
  refused(
    { cloud_provider: "digitalocean" },
    "digitalocean-cluster:token",
    "a token for the cluster's own controllers (corekube:cloud_provider is digitalocean). Make one with the scopes account:read, actions:read",
  ),
  refused({ cloud_provider: "gcp" }, "cloud_provider", "allowed: none, digitalocean, aws"),
  refused({ api_names: ["https://api.example.com"] }, "api_names[0]", "a lower-case DNS name"),
  refused({ api_names: ["*.example.com"] }, "api_names[0]", "a lower-case DNS name"),
  refused({ api_names: ["203.0.113.999"] }, "api_names[0]", "pulumi config set --path 'api_names[0]' <value>"),
  refused({ api_names: ["a.example", "a.example"] }, "api_names", "each once"),
  refused(
    { ntp_servers: ["ntp.example.com iburst"] },
    "ntp_servers[0]",
    "a lower-case DNS name such as ntp.example.com",
  ),
  refused({ ntp_servers: ["2001:db8::1"] }, "ntp_servers[0]", "an IPv4 address"),
  refused(
    { node_labels: { "node-role.kubernetes.io/control-plane": "" } },
    'node_labels["node-role.kubernetes.io/control-plane"]',
    "pulumi config rm --path 'node_labels[\"node-role.kubernetes.io/control-plane\"]'",
  ),
  refused(
    { node_labels: { "kubernetes.io/hostname": "a" } },
    'node_labels["kubernetes.io/hostname"]',
    "of the domains kubernetes.io, k8s.io and corekube.io only",
  ),
  refused({ node_labels: { "corekube.io/pool": "a" } }, 'node_labels["corekube.io/pool"]', "a name such as disk"),
  refused({ node_labels: { "a/b/c": "" } }, 'node_labels["a/b/c"]', "a name such as disk or example.com/disk"),
  refused(
    { node_labels: { disk: "very fast" } },
    "node_labels.disk",
    "pulumi config set --path 'node_labels.disk' <value>",
  ),
  refused({ public_node_labels: { "-x": "" } }, "public_node_labels.-x", "a name such as disk"),
  refused(
    { node_taints: [{ key: "gpu", effect: "NoEffect" }] },
    "node_taints[0].effect",
    "allowed: NoSchedule, PreferNoSchedule, NoExecute",
  ),
  refused(
    { node_taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] },
    "node_taints[0].key",
    "a name such as disk",
  ),
  refused(
    {
      public_node_taints: [
        { key: "gpu", effect: "NoSchedule" },
        { key: "gpu", value: "1", effect: "NoSchedule" },
      ],
    },
    "public_node_taints",
    "each key once for each effect",
  ),
  refused(
    { firewall_rules: [{ role: "worker", ports: "9100" }] },
    "firewall_rules[0].from",
    "nodes, network, admin, everyone",
  ),
  refused(
    { firewall_rules: [{ ports: "9100", from: "nodes" }] },
    "firewall_rules[0].role",
    "etcd, controller, worker, public, nodes",
  ),
  refused(
    { firewall_rules: [{ role: "worker", ports: "9100", from: "10.4.0.1" }] },
    "firewall_rules[0].from",
    "Set it: pulumi config set --path 'firewall_rules[0].from' <value>",
  ),
  refused(
    { firewall_rules: [{ role: "worker", ports: "70000", from: "nodes" }] },
    "firewall_rules[0].ports",
    "a port from 1 to 65535",
  ),
  refused(
    { firewall_rules: [{ role: "worker", ports: "9200-9100", from: "nodes" }] },
    "firewall_rules[0].ports",
    "the lower one first",
  ),
  refused(
    { firewall_rules: [{ role: "worker", from: "nodes" }] },
    "firewall_rules[0].ports",
    "a port or a range of ports with protocol tcp. Set it: pulumi config set --path 'firewall_rules[0].ports' 1-65535",
  ),
  refused(
    { firewall_rules: [{ role: "worker", protocol: "icmp", ports: "9100", from: "nodes" }] },
    "firewall_rules[0].ports",
    "nothing with protocol icmp, which has no ports. Remove it: pulumi config rm --path 'firewall_rules[0].ports'",
  ),
  refused(
    { firewall_rules: [{ role: "worker", protocol: "esp", from: "nodes" }] },
    "firewall_rules[0].protocol",
    "tcp, udp, icmp",
  ),
  refused(
    { firewall_rules: [{ role: "etcd", ports: "2381", from: "10.2.7.0/24" }] },
    "firewall_rules[0].from",
    "outside corekube:pod_cidr (10.2.0.0/16): what pods send to machines comes from their node's address. Set it: pulumi config set --path 'firewall_rules[0].from' nodes",
  ),
  refused(
    { firewall_rules: [{ role: "etcd", ports: "2381", from: "10.3.0.0/16" }] },
    "firewall_rules[0].from",
    "outside corekube:service_cidr (10.3.0.0/16)",
  ),
  refused(
    { firewall_rules: [{ role: "worker", port: "9100", ports: "9100", from: "nodes" }] },
    "firewall_rules[0].port",
    "Remove it: pulumi config rm --path 'firewall_rules[0].port'",
  ),
  refused({ admin_cidrs: [] }, "admin_cidrs", "Set it: pulumi config set --path 'admin_cidrs[0]' <value>"),
  refused({ admin_cidrs: ["192.0.2.7"] }, "admin_cidrs[0]", "one address is 192.0.2.7/32"),
  refused({ admin_cidrs: ["192.0.2.0/24", "everyone"] }, "admin_cidrs[1]", "CIDR notation"),
  refused({ admin_cidrs: ["192.0.2.1/24"] }, "admin_cidrs[0]", "whose address is its first"),
  refused({ admin_cidrs: ["2001:db8::1/32"] }, "admin_cidrs[0]", "whose address is its first"),
  refused(
    { admin_cidrs: ["10.2.0.0/16"] },
    "admin_cidrs[0]",
    "machines send answers to such addresses into the cluster",
  ),
  refused({ admin_cidrs: ["10.2.7.0/24"] }, "admin_cidrs[0]", "outside corekube:pod_cidr (10.2.0.0/16)"),
  refused({ admin_cidrs: ["192.0.2.1/32", "192.0.2.1/32"] }, "admin_cidrs", "each once"),
];

const downloads = (refused: Refused): readonly Refusal[] => [
  refused(
    { http_proxy: "proxy.example:3128" },
    "http_proxy",
    "such as http://proxy.example:3128. Set it: pulumi config set http_proxy <value>",
  ),
  refused({ http_proxy: "socks5://proxy.example:1080" }, "http_proxy", "an http or https address"),
  refused(
    { https_proxy: "http://user:hunter2@proxy.example:3128" },
    "https_proxy",
    "what looks like a user with a password",
  ),
  refused({ https_proxy: "http://ada@proxy.example:3128" }, "https_proxy", "without user and password"),
  refused({ https_proxy: `http://${"a".repeat(2000)}.example` }, "https_proxy", "at most 2000 characters"),
  refused({ https_proxy: "http://proxy.example:99999" }, "https_proxy", "pulumi config set https_proxy <value>"),
  refused({ https_proxy: "http://proxy.example:0" }, "https_proxy", "pulumi config set https_proxy <value>"),
  refused(
    { http_proxy: "http://10.3.0.40:3128" },
    "http_proxy",
    "outside corekube:service_cidr (10.3.0.0/16), which is for the cluster's own Services",
  ),
  refused({ https_proxy: "http://10.2.9.9:3128" }, "https_proxy", "outside corekube:pod_cidr (10.2.0.0/16)"),
  refused({ https_proxy: "http://10.4.0.9:3128" }, "https_proxy", "outside corekube:node_cidr (10.4.0.0/20)"),
  refused({ https_proxy: "http://127.0.0.1:3128" }, "https_proxy", "this is the machine itself"),
  refused({ https_proxy: "http://localhost:3128" }, "https_proxy", "this is the machine itself"),
  refused({ https_proxy: "http://proxy.localhost:3128" }, "https_proxy", "this is the machine itself"),
  refused(
    { https_proxy: "http://cluster.local:3128" },
    "https_proxy",
    "outside the cluster's own domain (cluster.local)",
  ),
  refused({ http_proxy: "http://proxy.kube-system.svc:3128" }, "http_proxy", "outside the cluster's own domain"),
  refused({ https_proxy: "http://169.254.169.254" }, "https_proxy", "169.254.0.0/16 is link-local"),
  refused({ https_proxy: "http://[2001:db8::1]:3128" }, "https_proxy", "machines have no IPv6"),
  refused(
    { https_proxy: "http://squid.proxies.svc.cluster.local:3128" },
    "https_proxy",
    "outside the cluster's own domain (cluster.local)",
  ),
  refused(
    { no_proxy: "http://a.example" },
    "no_proxy",
    "no address with http://. Set it: pulumi config set no_proxy <value>",
  ),
  refused({ no_proxy: "a.example,,b.example" }, "no_proxy", "with commas between them"),
  refused({ no_proxy: "10.0.0.0/33" }, "no_proxy", "networks (10.0.0.0/8)"),
  refused({ no_proxy: "10.0.0.1/8" }, "no_proxy", "networks (10.0.0.0/8)"),
  refused({ no_proxy: "300.1.1.1" }, "no_proxy", "host names, domains"),
  refused({ no_proxy: "a b" }, "no_proxy", "host names, domains"),
  refused({ no_proxy: "a".repeat(2001) }, "no_proxy", "at most 2000 characters"),
  refused(
    { no_proxy: "*", https_proxy: "http://proxy.example:3128" },
    "no_proxy",
    "which would disable the proxies; to use none, remove corekube:http_proxy and corekube:https_proxy. Remove it: pulumi config rm no_proxy",
  ),
  refused(
    { no_proxy: ".corp.example, 0.0.0.0/0", http_proxy: "http://proxy.example:3128" },
    "no_proxy",
    "a list without an entry for all addresses",
  ),
  refused(
    { mirrors: { releases: "mirror.example" } },
    "mirrors.releases",
    "such as https://mirror.example. Set it: pulumi config set --path 'mirrors.releases' <value>",
  ),
  refused({ mirrors: { releases: "http://10.2.0.5" } }, "mirrors.releases", "outside corekube:pod_cidr"),
  refused({ mirrors: { releases: "http://10.4.0.5" } }, "mirrors.releases", "outside corekube:node_cidr"),
  refused(
    { mirrors: { releases: "https://mirror.example/?a=b" } },
    "mirrors.releases",
    "without user, query or fragment",
  ),
  refused(
    { mirrors: { registries: { "ghcr.io": "http://10.3.0.5:5000" } } },
    'mirrors.registries["ghcr.io"]',
    "outside corekube:service_cidr",
  ),
  refused(
    { mirrors: { registries: { "ghcr.io": "192.0.2.9:5000" } } },
    'mirrors.registries["ghcr.io"]',
    "pulumi config set --path 'mirrors.registries[\"ghcr.io\"]' <value>",
  ),
  refused(
    { mirrors: { registries: { "https://ghcr.io": "http://192.0.2.9" } } },
    'mirrors.registries["https://ghcr.io"]',
    "the host of a registry",
  ),
  refused(
    { mirrors: { registries: { "ghcr.io:70000": "http://192.0.2.9" } } },
    'mirrors.registries["ghcr.io:70000"]',
    "the host of a registry",
  ),
  refused(
    {
      mirrors: {
        registries: Object.fromEntries(
          Array.from({ length: 21 }, (_, index) => [`r${index}.example`, "https://m.example"]),
        ),
      },
    },
    "mirrors.registries",
    "at most 20 registry hosts",
  ),
  refused({ mirrors: { registry: {} } }, "mirrors.registry", "did you mean mirrors.registries"),
  refused(
    { mirrors: { checksums: "no/such/file.json" } },
    "mirrors.checksums",
    "or remove the setting: pulumi config rm --path mirrors.checksums",
  ),
];

const several = (refused: Refused): readonly Refusal[] => [
  refused(
    { cluster_name: "X", node_count: -1, region: "", typo: "1", pod_cidr: "10.3.0.0/16", etcd: { count: 4, size: 3 } },
    ["cluster_name", "node_count", "region", "typo", "service_cidr", "etcd.count", "etcd.size"],
    "pulumi config rm typo",
  ),
  refused(
    { region: "eu-west-1", node_size: "t3.large", image: "ami-1", cloud_provider: "aws", node_placement: "eu-west-1a" },
    ["region", "node_size", "image", "cloud_provider", "node_placement"],
    "pulumi config set region lon1",
  ),
];

export const invalidNetworks = (refused: Refused): readonly Refusal[] => [
  ...networks(refused),
  ...downloads(refused),
  ...several(refused),
];
