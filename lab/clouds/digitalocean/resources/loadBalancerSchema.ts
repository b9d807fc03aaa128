/** What a request may say about a load balancer, with the original's defaults. */
import { ipv4Network } from "../addresses.js";
import { Address6 } from "ip-address";
import { optionalText, tagName, z } from "../validation.js";

const port = (name: string) =>
  z
    .number({ error: `${name} is required` })
    .int()
    .min(1, `${name}: 1 to 65535`)
    .max(65535, `${name}: 1 to 65535`);

const forwardingRule = z.object({
  entry_protocol: z.enum(["http", "https", "http2", "http3", "tcp", "udp"], {
    error: "entry_protocol: must be http, https, http2, http3, tcp or udp",
  }),
  entry_port: port("entry_port"),
  target_protocol: z.enum(["http", "https", "http2", "tcp", "udp"], {
    error: "target_protocol: must be http, https, http2, tcp or udp",
  }),
  target_port: port("target_port"),
  certificate_id: z
    .string()
    .nullish()
    .transform((id) => id ?? ""),
  tls_passthrough: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
});

export type ForwardingRule = z.infer<typeof forwardingRule>;

const within = (name: string, from: number, to: number, fallback: number) =>
  z
    .number()
    .int()
    .min(from, `health_check.${name}: ${from} to ${to}`)
    .max(to, `health_check.${name}: ${from} to ${to}`)
    .nullish()
    .transform((value) => value ?? fallback);

const healthCheck = z.object({
  protocol: z
    .enum(["http", "https", "tcp"], { error: "health_check.protocol: must be http, https or tcp" })
    .nullish()
    .transform((value) => value ?? "http"),
  port: within("port", 1, 65535, 80),
  path: z
    .string()
    .nullish()
    .transform((path) => path || "/"),
  check_interval_seconds: within("check_interval_seconds", 3, 300, 10),
  response_timeout_seconds: within("response_timeout_seconds", 3, 300, 5),
  unhealthy_threshold: within("unhealthy_threshold", 2, 10, 5),
  healthy_threshold: within("healthy_threshold", 2, 10, 3),
  proxy_protocol: z.boolean().nullish(),
});

export type HealthCheck = Omit<z.infer<typeof healthCheck>, "proxy_protocol">;

/** "cidr:10.0.0.0/8" or "ip:10.0.0.1" */
const accessRule = z.string().refine(
  (text) => {
    const [, kind, address = ""] = /^(cidr|ip):(.+)$/.exec(text) ?? [];
    if (kind === undefined || (kind === "cidr") !== address.includes("/")) return false;
    return ipv4Network(address) !== undefined || Address6.isValid(address);
  },
  {
    error: (issue) =>
      `firewall: invalid rule "${String(issue.input)}": must be of the form "cidr:10.0.0.0/8" or "ip:10.0.0.1"`,
  },
);
const accessRules = z
  .array(accessRule)
  .nullish()
  .transform((rules) => rules ?? []);

const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);

export const loadBalancerBody = z.object({
  name: z
    .string({ error: "name is required" })
    .min(1, "name is required")
    .max(255, "name: at most 255 characters")
    .regex(
      /^[a-zA-Z0-9][a-zA-Z0-9.-]*$/,
      "name: must begin with a letter or number, followed by letters, numbers, periods or dashes",
    ),
  region: optionalText,
  droplet_ids: z
    .array(z.number().int())
    .nullish()
    .transform((ids) => [...new Set(ids ?? [])]),
  tag: z
    .union([z.literal(""), tagName])
    .nullish()
    .transform((tag) => tag ?? ""),
  size: z
    .enum(["lb-small", "lb-medium", "lb-large"], { error: "size: must be lb-small, lb-medium or lb-large" })
    .nullish(),
  size_unit: z.number().int().min(1, "size_unit: 1 to 100").max(100, "size_unit: 1 to 100").nullish(),
  algorithm: z.string().nullish(),
  type: z
    .enum(["REGIONAL", "REGIONAL_NETWORK", "GLOBAL"], { error: "type: must be REGIONAL or REGIONAL_NETWORK" })
    .nullish(),
  network: z.enum(["EXTERNAL", "INTERNAL"], { error: "network: must be EXTERNAL or INTERNAL" }).nullish(),
  network_stack: z.enum(["IPV4", "DUALSTACK"], { error: "network_stack: must be IPV4" }).nullish(),
  forwarding_rules: z
    .array(forwardingRule, { error: "forwarding_rules is required" })
    .min(1, "must specify at least one forwarding rule"),
  health_check: healthCheck.nullish().transform((check) => check ?? healthCheck.parse({})),
  sticky_sessions: z.object({ type: z.enum(["none", "cookies"]).nullish() }).nullish(),
  redirect_http_to_https: flag,
  enable_proxy_protocol: flag,
  enable_backend_keepalive: flag,
  disable_lets_encrypt_dns_records: flag,
  http_idle_timeout_seconds: z
    .number()
    .int()
    .min(30, "http_idle_timeout_seconds: 30 to 600")
    .max(600, "http_idle_timeout_seconds: 30 to 600")
    .nullish()
    .transform((value) => value ?? 60),
  vpc_uuid: optionalText,
  project_id: optionalText,
  firewall: z
    .object({ allow: accessRules, deny: accessRules })
    .nullish()
    .transform((rules) => rules ?? { allow: [], deny: [] }),
  tls_cipher_policy: z
    .enum(["DEFAULT", "STRONG"])
    .nullish()
    .transform((value) => value ?? "DEFAULT"),
});

export type LoadBalancerInput = z.infer<typeof loadBalancerBody>;
