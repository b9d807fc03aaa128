/**
 * Which port of which machine is open to whom: one table for all clouds.
 *
 * A cloud translates it into its own resources and adds nothing. Everything else is closed. Pure data, no resources.
 */
import { type ClusterSpec, type Role, roles } from "../spec/cluster.js";
import { ports as parsedPorts } from "../spec/settings/valueTypes.js";

/**
 * Where traffic comes from: the networks in `admin_cidrs`, machines of a role, the load balancers of the API, the machines' private network,
 * anywhere, or a network that the stack names.
 */
export type FirewallSource = "admin" | Role | "apiLoadBalancer" | "network" | "everyone" | { readonly cidr: string };

/** Opens ports of the machines of one role. */
export interface FirewallRule {
  /** What the port serves; at most one rule for each role and purpose. */
  readonly purpose: string;
  /** The machines whose port it is. */
  readonly role: Role;
  readonly protocol: "tcp" | "udp" | "icmp";
  /** Inclusive; not set: the protocol has none. */
  readonly ports?: { readonly from: number; readonly to: number };
  /** Any of them may connect; never empty. */
  readonly from: readonly FirewallSource[];
}

/** Use of a port of machines, by a machine's own services or by an add-on. */
export interface HostPort {
  readonly purpose: string;
  readonly protocol: "tcp" | "udp";
  /** Roles of the machines whose port it is; never empty. */
  readonly on: readonly Role[];
  readonly port: number;
  /**
   * Empty: it serves the machine itself, and the firewall keeps it closed. `serviceLoadBalancer`: load balancers of Services, in a cluster
   * with a cloud provider whose controller manager does not open the firewall itself.
   */
  readonly from: readonly (FirewallSource | "serviceLoadBalancer")[];
}

type Range = NonNullable<FirewallRule["ports"]>;
type HostPorts = Omit<HostPort, "port"> & { readonly ports: Range };
const ranged = ({ port, ...rest }: HostPort): HostPorts => ({ ...rest, ports: { from: port, to: port } });

/** Port on which every API server and every load balancer of the API listens. */
export const apiPort = 6443;

/** Port of metrics of etcd members, for clients with a certificate of etcd's authority. */
export const etcdMetricsPort = 2381;

/** Roles of machines that run pods, and so are ends of the overlay network. */
export const nodeRoles: readonly Role[] = ["controller", "worker", "public"];

/** Roles of machines that take pods of users. */
export const workerRoles: readonly Role[] = ["worker", "public"];

const tcp = (purpose: string, on: readonly Role[], port: number, from: HostPort["from"]): HostPort => ({
  purpose,
  on,
  protocol: "tcp",
  port,
  from,
});

/** Ports of the machines' own services. @param balancers The load balancers of the API, if there are any. */
function machinePorts(balancers: readonly FirewallSource[]): readonly HostPort[] {
  return [
    tcp("ssh", roles, 22, ["admin"]),
    // Members ask each other before one of them is defragmented.
    tcp("etcd-client", ["etcd"], 2379, ["controller", "etcd"]),
    tcp("etcd-peer", ["etcd"], 2380, ["etcd"]),
    // Workers reach the API through the internal load balancer, their pods through the `kubernetes` Service: straight to controllers.
    tcp("api", ["controller"], apiPort, ["admin", ...nodeRoles, ...balancers]),
    tcp("etcd-metrics", ["etcd"], etcdMetricsPort, nodeRoles),
    // Metrics, for service accounts and client certificates that the API server lets read them.
    tcp("kube-controller-manager", ["controller"], 10257, nodeRoles),
    tcp("kube-scheduler", ["controller"], 10259, nodeRoles),
    // Besides API servers: metrics-server and Prometheus, from any node. The kubelet asks the API server who may do what.
    tcp("kubelet", nodeRoles, 10250, nodeRoles),
    tcp("kubelet-health", nodeRoles, 10248, []),
  ];
}

/** For what users run. */
const webPorts: readonly HostPort[] = [
  tcp("http", ["worker"], 80, ["admin"]),
  tcp("https", ["worker"], 443, ["admin"]),
  tcp("http", ["public"], 80, ["everyone"]),
  tcp("https", ["public"], 443, ["everyone"]),
];

/**
 * Node ports. Kubernetes promises any node port of any node to every pod; the answer comes through the overlay network, wherever the pod is.
 * Users outside get them on workers only.
 */
function nodePorts(ports: Range): readonly HostPorts[] {
  return (["tcp", "udp"] as const).flatMap((protocol) => {
    const common = { purpose: protocol === "tcp" ? "node-ports" : "node-ports-udp", protocol, ports };
    return [
      { ...common, on: ["controller"], from: nodeRoles },
      { ...common, on: workerRoles, from: ["admin", ...nodeRoles, "serviceLoadBalancer"] },
    ] satisfies HostPorts[];
  });
}

type OwnRule = ClusterSpec["firewallRules"][number];

function sourcesOf(from: OwnRule["from"]): readonly FirewallSource[] {
  switch (from) {
    case "nodes":
      return nodeRoles;
    case "network":
    case "admin":
    case "everyone":
      return [from];
    default:
      return [{ cidr: from }];
  }
}

/** What the stack opens itself. Rules for the same ports of the same role are one, with all their sources. */
function ownRules(rules: readonly OwnRule[]): readonly FirewallRule[] {
  const table = new Map<string, FirewallRule>();
  for (const { role, protocol, ports, from } of rules) {
    for (const each of role === "nodes" ? nodeRoles : [role]) {
      const purpose = ["own", protocol, ...(ports === undefined ? [] : [ports])].join("-");
      const before = table.get(`${each} ${purpose}`)?.from ?? [];
      const added = sourcesOf(from).filter(
        (source) => !before.some((known) => sourceName(known) === sourceName(source)),
      );
      table.set(`${each} ${purpose}`, {
        purpose,
        role: each,
        protocol,
        ...(ports === undefined ? {} : { ports: parsedPorts(ports)! }),
        from: [...before, ...added],
      });
    }
  }
  return [...table.values()];
}

const sourceName = (source: FirewallSource): string => (typeof source === "string" ? source : source.cidr);

/**
 * The whole table of a cluster: the ports of machines, of add-ons and of users, and what the stack opens besides (`firewall_rules`).
 * @param addons Ports of the cluster's add-ons.
 */
export function firewallRules(
  spec: Pick<ClusterSpec, "apiLoadBalancers" | "nodePortRange" | "cloudProvider" | "firewallRules">,
  { balancersFrom }: { readonly balancersFrom: readonly FirewallSource[] },
  addons: readonly HostPort[],
): readonly FirewallRule[] {
  const balancers = spec.cloudProvider === "none" ? [] : balancersFrom;
  const table = [
    ...machinePorts(spec.apiLoadBalancers ? ["apiLoadBalancer"] : []).map(ranged),
    ...addons.map(ranged),
    ...nodePorts(spec.nodePortRange),
    ...webPorts.map(ranged),
  ].flatMap(({ purpose, on, protocol, ports, from }) => {
    const sources = from.flatMap((source) => (source === "serviceLoadBalancer" ? balancers : [source]));
    return sources.length === 0 ? [] : on.map((role) => ({ purpose, role, protocol, ports, from: sources }));
  });
  return [...table, ...ownRules(spec.firewallRules)];
}

/** What uses the ports of machines that run pods, by port. Node ports must leave them free. */
export function takenPorts(addons: readonly HostPort[]): ReadonlyMap<number, string> {
  return new Map(
    [...machinePorts([]), ...webPorts, ...addons]
      .filter(({ on }) => on.some((role) => nodeRoles.includes(role)))
      .map(({ port, purpose }) => [port, purpose] as const)
      .sort(([a], [b]) => a - b),
  );
}
