/** The table of open ports, repeated here on purpose: a port must not be opened or closed by accident. */
import assert from "node:assert/strict";
import { addonPorts } from "../../components/addons/list.js";
import { digitaloceanProfile } from "../../components/digitalocean/profile.js";
import { type Role, roles } from "../../components/spec/cluster.js";
import { firewallRules, takenPorts } from "../../components/cloud/firewall.js";
import { testSpec } from "./support/spec.js";
import { inboundRules, loadBalancerRules, outboundRules } from "../../components/digitalocean/firewall.js";

const addons = addonPorts(testSpec());
const nodePortRange = { from: 30000, to: 32767 };

/** `role protocol/ports (purpose) <- sources`; on AWS the purpose is in the name of the resource: another would replace it. */
const written = (apiLoadBalancers: boolean): string[] =>
  firewallRules(
    { apiLoadBalancers, nodePortRange, cloudProvider: "none", firewallRules: [] },
    { balancersFrom: ["network"] },
    addons,
  )
    .map(
      ({ role, purpose, protocol, ports, from }) =>
        `${role} ${protocol}/${ports?.from}-${ports?.to} (${purpose}) <- ${[...from].sort().join(" ")}`,
    )
    .sort();

const single = [
  "controller tcp/10249-10249 (kube-proxy-metrics) <- controller",
  "controller tcp/10250-10250 (kubelet) <- controller public worker",
  "controller tcp/10257-10257 (kube-controller-manager) <- controller public worker",
  "controller tcp/10259-10259 (kube-scheduler) <- controller public worker",
  "controller tcp/22-22 (ssh) <- admin",
  "controller tcp/30000-32767 (node-ports) <- controller public worker",
  "controller tcp/6443-6443 (api) <- admin controller public worker",
  "controller udp/30000-32767 (node-ports-udp) <- controller public worker",
  "controller udp/8472-8472 (overlay) <- controller public worker",
  "etcd tcp/22-22 (ssh) <- admin",
  "etcd tcp/2379-2379 (etcd-client) <- controller etcd",
  "etcd tcp/2380-2380 (etcd-peer) <- etcd",
  "etcd tcp/2381-2381 (etcd-metrics) <- controller public worker",
  "public tcp/10249-10249 (kube-proxy-metrics) <- controller",
  "public tcp/10250-10250 (kubelet) <- controller public worker",
  "public tcp/22-22 (ssh) <- admin",
  "public tcp/30000-32767 (node-ports) <- admin controller public worker",
  "public tcp/443-443 (https) <- everyone",
  "public tcp/80-80 (http) <- everyone",
  "public udp/30000-32767 (node-ports-udp) <- admin controller public worker",
  "public udp/8472-8472 (overlay) <- controller public worker",
  "worker tcp/10249-10249 (kube-proxy-metrics) <- controller",
  "worker tcp/10250-10250 (kubelet) <- controller public worker",
  "worker tcp/22-22 (ssh) <- admin",
  "worker tcp/30000-32767 (node-ports) <- admin controller public worker",
  "worker tcp/443-443 (https) <- admin",
  "worker tcp/80-80 (http) <- admin",
  "worker udp/30000-32767 (node-ports-udp) <- admin controller public worker",
  "worker udp/8472-8472 (overlay) <- controller public worker",
];

describe("firewall table", () => {
  it("opens exactly these ports", () => {
    assert.deepEqual(written(false), single);
  });

  it("lets load balancers reach only the API of a highly available cluster", () => {
    const open = "controller tcp/6443-6443 (api) <- admin controller public worker";
    const withLoadBalancer = "controller tcp/6443-6443 (api) <- admin apiLoadBalancer controller public worker";
    assert.deepEqual(
      written(true),
      single.map((line) => (line === open ? withLoadBalancer : line)),
    );
  });

  it("keeps local ports closed", () => {
    for (const closed of [10248, 10256])
      assert.ok(!written(true).some((line) => line.includes(`/${closed}-`)), String(closed));
  });

  it("lists what is taken where pods run, and nothing of etcd's machines", () => {
    assert.deepEqual(
      [...takenPorts(addons)],
      [
        [22, "ssh"],
        [80, "http"],
        [443, "https"],
        [6443, "api"],
        [8472, "overlay"],
        [10248, "kubelet-health"],
        [10249, "kube-proxy-metrics"],
        [10250, "kubelet"],
        [10256, "kube-proxy-health"],
        [10257, "kube-controller-manager"],
        [10259, "kube-scheduler"],
      ],
    );
  });

  it("has one rule for each role and purpose", () => {
    const keys = firewallRules(
      { apiLoadBalancers: true, nodePortRange, cloudProvider: "none", firewallRules: [] },
      { balancersFrom: ["network"] },
      addons,
    ).map(({ role, purpose }) => `${role} ${purpose}`);
    assert.equal(new Set(keys).size, keys.length);
  });
});

describe("firewall table of a cluster whose users bring the pods' network", () => {
  it("leaves the port of VXLAN open between nodes", () => {
    const own = addonPorts(testSpec({ networkProvider: "none" }));
    const rules = firewallRules(
      { apiLoadBalancers: false, nodePortRange, cloudProvider: "none", firewallRules: [] },
      { balancersFrom: [] },
      own,
    );
    assert.deepEqual(
      rules.filter(({ purpose }) => purpose === "overlay").map(({ role, from }) => [role, ...from]),
      ["controller", "worker", "public"].map((role) => [role, "controller", "worker", "public"]),
    );
  });
});

describe("firewall table with rules of the stack", () => {
  const own = (firewallRulesOfStack: Parameters<typeof firewallRules>[0]["firewallRules"]) => {
    const table = (rules: typeof firewallRulesOfStack) =>
      firewallRules(
        { apiLoadBalancers: false, nodePortRange, cloudProvider: "none", firewallRules: rules },
        { balancersFrom: [] },
        addons,
      );
    return table(firewallRulesOfStack).slice(table([]).length);
  };

  it("opens what they say, of every machine that runs pods where they say nodes", () => {
    assert.deepEqual(
      own([
        { role: "nodes", protocol: "tcp", ports: "9100", from: "nodes" },
        { role: "etcd", protocol: "tcp", ports: "9100-9105", from: "192.0.2.0/24" },
        { role: "worker", protocol: "icmp", from: "network" },
      ]).map(({ purpose, role, ports, from }) => [purpose, role, ports, from]),
      [
        ...["controller", "worker", "public"].map((role) => [
          "own-tcp-9100",
          role,
          { from: 9100, to: 9100 },
          ["controller", "worker", "public"],
        ]),
        ["own-tcp-9100-9105", "etcd", { from: 9100, to: 9105 }, [{ cidr: "192.0.2.0/24" }]],
        ["own-icmp", "worker", undefined, ["network"]],
      ],
    );
  });

  it("is one rule for the same ports, with each source once", () => {
    assert.deepEqual(
      own([
        { role: "worker", protocol: "udp", ports: "4789", from: "admin" },
        { role: "nodes", protocol: "udp", ports: "4789", from: "nodes" },
        { role: "worker", protocol: "udp", ports: "4789", from: "nodes" },
        { role: "worker", protocol: "udp", ports: "4789", from: "192.0.2.0/24" },
        { role: "worker", protocol: "udp", ports: "4789", from: "198.51.100.0/24" },
        { role: "worker", protocol: "udp", ports: "4789", from: "192.0.2.0/24" },
      ]).map(({ role, from }) => [role, from]),
      [
        ["worker", ["admin", "controller", "worker", "public", { cidr: "192.0.2.0/24" }, { cidr: "198.51.100.0/24" }]],
        ["controller", ["controller", "worker", "public"]],
        ["public", ["controller", "worker", "public"]],
      ],
    );
  });
});

describe("firewall table on DigitalOcean", () => {
  const sources = {
    adminCidrs: ["192.0.2.1/32", "2001:db8::/48"],
    network: "10.4.0.0/20",
    roleTags: { etcd: "t-etcd", controller: "t-controller", worker: "t-worker", public: "t-public" },
  };
  const rules = firewallRules(
    { apiLoadBalancers: true, nodePortRange, cloudProvider: "none", firewallRules: [] },
    { balancersFrom: ["network"] },
    addons,
  );

  it("selects roles by tag and administrators by network", () => {
    assert.deepEqual(inboundRules(rules, "controller", sources), [
      { protocol: "tcp", portRange: "22", sourceAddresses: ["192.0.2.1/32", "2001:db8::/48"] },
      {
        protocol: "tcp",
        portRange: "6443",
        sourceAddresses: ["192.0.2.1/32", "2001:db8::/48"],
        sourceTags: ["t-controller", "t-worker", "t-public"],
      },
      ...["10257", "10259", "10250"].map((portRange) => ({
        protocol: "tcp",
        portRange,
        sourceTags: ["t-controller", "t-worker", "t-public"],
      })),
      { protocol: "tcp", portRange: "10249", sourceTags: ["t-controller"] },
      { protocol: "udp", portRange: "8472", sourceTags: ["t-controller", "t-worker", "t-public"] },
      { protocol: "tcp", portRange: "30000-32767", sourceTags: ["t-controller", "t-worker", "t-public"] },
      { protocol: "udp", portRange: "30000-32767", sourceTags: ["t-controller", "t-worker", "t-public"] },
    ]);
  });

  it("lets load balancers of Services reach node ports and kube-proxy's health from the private network, if there is a cloud provider", () => {
    const withServices = firewallRules(
      { apiLoadBalancers: true, nodePortRange, cloudProvider: "digitalocean", firewallRules: [] },
      digitaloceanProfile,
      addons,
    );
    const nodePorts = (table: typeof rules, role: Role) =>
      inboundRules(table, role, sources)
        .filter(({ portRange }) => portRange === "30000-32767")
        .map(({ sourceAddresses }) => sourceAddresses);
    for (const role of ["worker", "public"] as const) {
      assert.deepEqual(nodePorts(withServices, role), Array(2).fill(["192.0.2.1/32", "2001:db8::/48", "10.4.0.0/20"]));
      assert.deepEqual(nodePorts(rules, role), Array(2).fill(["192.0.2.1/32", "2001:db8::/48"]));
    }
    const health = (table: typeof rules) =>
      roles.flatMap((role) =>
        inboundRules(table, role, sources)
          .filter(({ portRange }) => portRange === "10256")
          .map(({ sourceAddresses, sourceTags }) => [role, sourceAddresses, sourceTags]),
      );
    assert.deepEqual(health(withServices), [
      ["worker", ["10.4.0.0/20"], undefined],
      ["public", ["10.4.0.0/20"], undefined],
    ]);
    assert.deepEqual(health(rules), []);
  });

  it("writes the stack's own rules, also without ports", () => {
    const table = firewallRules(
      {
        apiLoadBalancers: false,
        nodePortRange,
        cloudProvider: "none",
        firewallRules: [
          { role: "etcd", protocol: "icmp", from: "everyone" },
          { role: "etcd", protocol: "udp", ports: "4789-4790", from: "198.51.100.0/24" },
        ],
      },
      { balancersFrom: [] },
      addons,
    );
    assert.deepEqual(inboundRules(table, "etcd", sources).slice(-2), [
      { protocol: "icmp", sourceAddresses: ["0.0.0.0/0", "::/0"] },
      { protocol: "udp", portRange: "4789-4790", sourceAddresses: ["198.51.100.0/24"] },
    ]);
  });

  it("writes a range as DigitalOcean does", () => {
    const ranges = inboundRules(rules, "worker", sources).map((rule) => rule.portRange);
    assert.deepEqual(ranges, ["22", "10250", "10249", "8472", "30000-32767", "30000-32767", "80", "443"]);
  });

  it("opens only HTTP and HTTPS of public workers to everyone", () => {
    const open = inboundRules(rules, "public", sources).filter((rule) =>
      JSON.stringify(rule.sourceAddresses ?? []).includes("/0"),
    );
    assert.deepEqual(
      open,
      ["80", "443"].map((portRange) => ({ protocol: "tcp", portRange, sourceAddresses: ["0.0.0.0/0", "::/0"] })),
    );
  });

  it("opens nothing where only load balancers may connect, which have a rule of their own", () => {
    const ports = { from: 6443, to: 6443 };
    const alone = { purpose: "api", role: "controller", protocol: "tcp", ports, from: ["apiLoadBalancer"] } as const;
    assert.deepEqual(inboundRules([alone], "controller", sources), []);
    assert.equal(loadBalancerRules([alone], "controller", ["a"]).length, 1);
  });

  it("selects load balancers by their IDs", () => {
    assert.deepEqual(loadBalancerRules(rules, "controller", ["a", "b"]), [
      { protocol: "tcp", portRange: "6443", sourceLoadBalancerUids: ["a", "b"] },
    ]);
    assert.deepEqual(loadBalancerRules(rules, "worker", ["a", "b"]), []);
    assert.deepEqual(loadBalancerRules(rules, "etcd", ["a", "b"]), []);
  });

  it("allows all outgoing traffic, over IPv4 and IPv6", () => {
    const anywhere = ["0.0.0.0/0", "::/0"];
    assert.deepEqual(outboundRules(), [
      { protocol: "tcp", portRange: "1-65535", destinationAddresses: anywhere },
      { protocol: "udp", portRange: "1-65535", destinationAddresses: anywhere },
      { protocol: "icmp", destinationAddresses: anywhere },
    ]);
  });
});
