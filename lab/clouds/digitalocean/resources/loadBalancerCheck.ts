/** Whether a load balancer that a request describes is valid, and whether the lab can make it. */
import { notOffered, unprocessable } from "../errors.js";
import type { LoadBalancerSettings, State } from "../state.js";
import type { ForwardingRule, LoadBalancerInput } from "./loadBalancerSchema.js";

const units = { "lb-small": 1, "lb-medium": 3, "lb-large": 6 } as const;

/**
 * The settings that a request asks for.
 * @throws ApiError 422 when they contradict each other, name something unknown, or need what the lab has not.
 */
export function settingsOf(state: State, input: LoadBalancerInput, vpcId: string): LoadBalancerSettings {
  if (input.tag !== "" && input.droplet_ids.length > 0)
    throw unprocessable("only one of droplet_ids or tag may be given");
  if (input.type === "GLOBAL") throw notOffered('type "GLOBAL"', "use REGIONAL");
  if (input.network_stack === "DUALSTACK") throw notOffered('network_stack "DUALSTACK"', "use IPV4");
  if (input.sticky_sessions?.type === "cookies") throw notOffered('sticky_sessions.type "cookies"', "use none");
  if (input.redirect_http_to_https) throw notOffered("redirect_http_to_https", "leave it out");
  if (input.enable_proxy_protocol || input.health_check.proxy_protocol)
    throw notOffered("PROXY protocol", "leave it out");
  checkRules(input.forwarding_rules);
  checkDroplets(state, input.droplet_ids, vpcId);
  if (input.project_id !== undefined && input.project_id !== state.account.project)
    throw unprocessable(`project_id: ${input.project_id} does not exist`);
  const { proxy_protocol: _proxyProtocol, ...health_check } = input.health_check;
  return {
    name: input.name,
    tag: input.tag,
    droplet_ids: input.droplet_ids,
    size_unit: input.size_unit ?? (input.size ? units[input.size] : 1),
    forwarding_rules: input.forwarding_rules,
    health_check,
    enable_backend_keepalive: input.enable_backend_keepalive,
    disable_lets_encrypt_dns_records: input.disable_lets_encrypt_dns_records,
    http_idle_timeout_seconds: input.http_idle_timeout_seconds,
    firewall: input.firewall,
    tls_cipher_policy: input.tls_cipher_policy,
  };
}

/** @throws ApiError 422 */
function checkRules(rules: readonly ForwardingRule[]): void {
  if (rules.length === 0) throw unprocessable("must specify at least one forwarding rule");
  const ports = new Set<number>();
  for (const rule of rules) {
    const label = `forwarding_rules: ${rule.entry_protocol} ${rule.entry_port}`;
    if (ports.has(rule.entry_port)) throw unprocessable(`${label}: two rules have the same entry port`);
    ports.add(rule.entry_port);
    if ((rule.entry_protocol === "udp") !== (rule.target_protocol === "udp"))
      throw unprocessable(`${label}: udp needs udp on both sides`);
    const secure =
      rule.entry_protocol === "https" || rule.entry_protocol === "http2" || rule.entry_protocol === "http3";
    if (rule.tls_passthrough && !secure)
      throw unprocessable(`${label}: tls_passthrough needs entry_protocol https or http2`);
    if (secure && !rule.tls_passthrough) {
      if (!rule.certificate_id) throw unprocessable(`${label}: needs certificate_id or tls_passthrough`);
      throw notOffered(`${label}: TLS termination`, "use tcp or tls_passthrough");
    }
    if (rule.entry_protocol === "udp" || rule.entry_protocol === "http2" || rule.entry_protocol === "http3") {
      throw notOffered(
        `${label}: entry_protocol ${rule.entry_protocol}`,
        "use tcp, http, or https with tls_passthrough",
      );
    }
    const fits = secure ? rule.target_protocol === "https" : rule.target_protocol === rule.entry_protocol;
    if (!fits)
      throw unprocessable(
        `${label}: target_protocol ${rule.target_protocol} does not go with entry_protocol ${rule.entry_protocol}`,
      );
  }
}

/** @throws ApiError 422 */
function checkDroplets(state: State, ids: readonly number[], vpcId: string): void {
  for (const id of ids) {
    const droplet = state.droplets.find((one) => one.id === id);
    if (!droplet) throw unprocessable(`droplet_ids: Droplet ${id} does not exist`);
    if (droplet.vpcId !== vpcId)
      throw unprocessable(`droplet_ids: Droplet ${id} is not in the load balancer's VPC ${vpcId}`);
  }
}
