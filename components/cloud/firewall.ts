/**
 * Which port of which machine is open to whom: one table for all clouds.
 *
 * A cloud translates it into its own resources and adds nothing. Everything else is closed. Pure data, no resources.
 */
import { type ClusterSpec, type Role, roles } from "../spec/cluster.js";

/** Where traffic comes from: the networks in `admin_cidrs`, machines of a role, the load balancers of the API, the machines' private network, or anywhere. */
export type FirewallSource = "admin" | Role | "apiLoadBalancer" | "network" | "everyone";

/** Opens ports of the machines of one role. */
export interface FirewallRule {
  /** What the port serves; at most one rule for each role and purpose. */
  readonly purpose: string;
  /** The machines whose port it is. */
  readonly role: Role;
  readonly protocol: "tcp" | "udp";
  /** Inclusive. */
  readonly ports: { readonly from: number; readonly to: number };
  /** Any of them may connect; never empty. */
  readonly from: readonly FirewallSource[];
}

/** Use of a port of machines, by a machine's own services or by an add-on. */
export interface HostPort extends Pick<FirewallRule, "purpose" | "protocol"> {
  /** Roles of the machines whose port it is; never empty. */
  readonly on: readonly Role[];
  readonly ports: number | FirewallRule["ports"];
  /** Empty: it serves the machine itself, and the firewall keeps it closed. */
  readonly from: readonly FirewallSource[];
}

/** Port on which every API server and every load balancer of the API listens. */
export const apiPort = 6443;

/** Roles of machines that run pods, and so are ends of the overlay network. */
export const nodeRoles: readonly Role[] = ["controller", "worker", "public"];

const workerRoles: readonly Role[] = ["worker", "public"];

const tcp = (
  purpose: string,
  on: readonly Role[],
  ports: HostPort["ports"],
  from: readonly FirewallSource[],
): HostPort => ({ purpose, on, protocol: "tcp", ports, from });

/** Ports of the machines' own services. @param balancers The load balancers of the API, if there are any. */
function machinePorts(balancers: readonly FirewallSource[]): readonly HostPort[] {
  return [
    tcp("ssh", roles, 22, ["admin"]),
    tcp("etcd-client", ["etcd"], 2379, ["controller"]),
    tcp("etcd-peer", ["etcd"], 2380, ["etcd"]),
    // Workers reach the API through the internal load balancer, their pods through the `kubernetes` Service: straight to controllers.
    tcp("api", ["controller"], apiPort, ["admin", ...nodeRoles, ...balancers]),
    tcp("kube-controller-manager", ["controller"], 10257, []),
    tcp("kube-scheduler", ["controller"], 10259, []),
    tcp("kubelet", nodeRoles, 10250, ["controller"]),
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
 * The whole table of a cluster.
 *
 * Node ports are open on workers only, and only to administrators; public workers are open to everyone on 80 and 443. Traffic for a pod
 * elsewhere crosses the overlay network, so that no node needs another node's node ports. Load balancers of Services need them, unless
 * the cloud controller manager opens them itself.
 * @param addons Ports of the cluster's add-ons.
 */
export function firewallRules(
  spec: Pick<ClusterSpec, "apiLoadBalancers" | "nodePortRange" | "cloudProvider">,
  { balancersFrom }: { readonly balancersFrom: readonly FirewallSource[] },
  addons: readonly HostPort[],
): readonly FirewallRule[] {
  const users: readonly FirewallSource[] = ["admin", ...(spec.cloudProvider === "none" ? [] : balancersFrom)];
  const nodePorts = tcp("node-ports", workerRoles, spec.nodePortRange, users);
  return [
    ...machinePorts(spec.apiLoadBalancers ? ["apiLoadBalancer"] : []),
    ...addons,
    nodePorts,
    { ...nodePorts, purpose: "node-ports-udp", protocol: "udp" as const },
    ...webPorts,
  ].flatMap(({ purpose, on, protocol, ports, from }) =>
    from.length === 0
      ? []
      : on.map((role) => ({
          purpose,
          role,
          protocol,
          ports: typeof ports === "number" ? { from: ports, to: ports } : ports,
          from,
        })),
  );
}

/** What uses the ports of machines that run pods, by port. Node ports must leave them free. */
export function takenPorts(addons: readonly HostPort[]): ReadonlyMap<number, string> {
  return new Map(
    [...machinePorts([]), ...webPorts, ...addons]
      .filter(({ on }) => on.some((role) => nodeRoles.includes(role)))
      .flatMap(({ ports, purpose }) => (typeof ports === "number" ? [[ports, purpose] as const] : []))
      .sort(([a], [b]) => a - b),
  );
}
