/**
 * Who may reach which port of which machine: one table for every cloud.
 *
 * A cloud translates it to its own means and adds nothing; what is not in the table is closed. Pure data, no resources.
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

/** Port on which every API server and every load balancer of the API listens. */
export const apiPort = 6443;

const port = (number: number): FirewallRule["ports"] => ({ from: number, to: number });

/** Machines that run pods, and so are ends of the overlay network. */
const nodes: readonly Role[] = ["controller", "worker", "public"];

/**
 * The whole table of a cluster.
 *
 * Node ports are open on workers only, and only to administrators; public workers are open to everyone on 80 and 443. Traffic for a pod elsewhere crosses the overlay network,
 * so that no node needs another node's node ports. Load balancers of Services need them, where the cloud controller manager does not open them itself.
 */
export function firewallRules(
  spec: Pick<ClusterSpec, "apiLoadBalancers" | "nodePortRange" | "cloudProvider">,
  { balancersFrom }: { readonly balancersFrom: readonly FirewallSource[] },
): readonly FirewallRule[] {
  const users: readonly FirewallSource[] = ["admin", ...(spec.cloudProvider === "none" ? [] : balancersFrom)];
  const loadBalancers: readonly FirewallSource[] = spec.apiLoadBalancers ? ["apiLoadBalancer"] : [];
  const onNode = (role: Role): FirewallRule[] => [
    { purpose: "kubelet", role, protocol: "tcp", ports: port(10250), from: ["controller"] },
    { purpose: "overlay", role, protocol: "udp", ports: port(8472), from: nodes },
  ];
  return [
    ...roles.map((role): FirewallRule => ({ purpose: "ssh", role, protocol: "tcp", ports: port(22), from: ["admin"] })),
    { purpose: "etcd-client", role: "etcd", protocol: "tcp", ports: port(2379), from: ["controller"] },
    { purpose: "etcd-peer", role: "etcd", protocol: "tcp", ports: port(2380), from: ["etcd"] },
    // Workers reach the API through the internal load balancer, their pods through the `kubernetes` Service: straight to controllers.
    {
      purpose: "api",
      role: "controller",
      protocol: "tcp",
      ports: port(apiPort),
      from: ["admin", ...nodes, ...loadBalancers],
    },
    ...nodes.flatMap(onNode),
    ...(["worker", "public"] as const).flatMap((role): FirewallRule[] => {
      const web: readonly FirewallSource[] = role === "public" ? ["everyone"] : ["admin"];
      return [
        { purpose: "node-ports", role, protocol: "tcp", ports: spec.nodePortRange, from: users },
        { purpose: "node-ports-udp", role, protocol: "udp", ports: spec.nodePortRange, from: users },
        { purpose: "http", role, protocol: "tcp", ports: port(80), from: web },
        { purpose: "https", role, protocol: "tcp", ports: port(443), from: web },
      ];
    }),
  ];
}
