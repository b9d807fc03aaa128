/** haproxy's configuration, as text, for all load balancers of a region. */
import type { LoadBalancerSpec } from "./spec.js";
import { identifier } from "./names.js";

export interface HaproxyPaths {
  /** Socket for commands and for the state of the servers. */
  readonly socket: string;
  /** State of the servers before a reload: what was down stays down until its checks pass. */
  readonly state: string;
}

/** Name of the backend of one forwarding rule; its servers are `machine-<id>`. */
export const backendName = (balancer: Pick<LoadBalancerSpec, "id">, entryPort: number): string =>
  `lb-${identifier(balancer.id)}-${entryPort}`;

export function haproxyConfig(balancers: readonly LoadBalancerSpec[], paths: HaproxyPaths): string {
  const sorted = [...balancers].sort((a, b) => (a.id < b.id ? -1 : 1));
  return [
    "global",
    "  maxconn 4096",
    "  nbthread 1",
    `  stats socket ${paths.socket} mode 600 level admin expose-fd listeners`,
    `  server-state-file ${paths.state}`,
    // Old processes end even when a client keeps a connection open for ever.
    "  hard-stop-after 60s",
    "",
    "defaults",
    "  mode tcp",
    "  load-server-state-from-file global",
    "  timeout connect 5s",
    // DigitalOcean's idle timeout.
    "  timeout client 60s",
    "  timeout server 60s",
    "  timeout tunnel 1h",
    "  option redispatch",
    "  retries 2",
    "",
    ...sorted.flatMap((balancer) => balancer.forwarding.flatMap((rule) => section(balancer, rule))),
  ].join("\n");
}

function section(balancer: LoadBalancerSpec, rule: LoadBalancerSpec["forwarding"][number]): string[] {
  const name = backendName(balancer, rule.entryPort);
  const check = balancer.healthCheck;
  const secure = check.protocol === "https" ? " check-ssl verify none" : "";
  return [
    `frontend ${name}`,
    `  bind ${balancer.ip}:${rule.entryPort}`,
    ...(balancer.allow.length === 0
      ? []
      : [`  tcp-request connection reject unless { src ${balancer.allow.join(" ")} }`]),
    `  default_backend ${name}`,
    "",
    `backend ${name}`,
    "  balance roundrobin",
    `  source ${balancer.privateIpv4}`,
    ...(check.protocol === "tcp" ? [] : [`  option httpchk GET ${check.path}`]),
    `  timeout check ${check.timeout}s`,
    `  default-server check port ${check.port} inter ${check.interval}s rise ${check.healthyThreshold} fall ${check.unhealthyThreshold}${secure}`,
    ...balancer.targets.map(
      (target) => `  server machine-${target.machineId} ${target.privateIpv4}:${rule.targetPort}`,
    ),
    "",
  ];
}
