/** What a request may say about a load balancer, with the original's defaults. */
import { ipv4Network } from "../addresses.js";
import { Address6 } from "ip-address";
import { only, optionalText, tagName, z } from "../validation.js";

const port = (name: string) =>
  z
    .number({ error: `${name} is required` })
    .int()
    .min(1, `${name}: 1 to 65535`)
    .max(65535, `${name}: 1 to 65535`);

const forwardingRule = z.object({
  entry_protocol: z.literal("tcp", { error: "this lab region offers tcp only" }),
  entry_port: port("entry_port"),
  target_protocol: z.literal("tcp", { error: "this lab region offers tcp only" }),
  target_port: port("target_port"),
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
});

export type HealthCheck = z.infer<typeof healthCheck>;

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

/** Settings that every load balancer of the lab has. The other type, REGIONAL_NETWORK, leaves packets as clients sent them, which no proxy can. */
export const fixedSettings = {
  type: "REGIONAL",
  redirect_http_to_https: false,
  enable_proxy_protocol: false,
  enable_backend_keepalive: false,
  disable_lets_encrypt_dns_records: false,
  http_idle_timeout_seconds: 60,
  tls_cipher_policy: "DEFAULT",
} as const;

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
  size_unit: z
    .number()
    .int()
    .min(1, "size_unit: 1 to 100")
    .max(100, "size_unit: 1 to 100")
    .nullish()
    .transform((units) => units ?? 1),
  // IPv6 ends at the load balancer; the lab has none.
  network_stack: z
    .enum(["IPV4", "DUALSTACK"], { error: "network_stack: must be IPV4 or DUALSTACK" })
    .nullish()
    .transform((stack) => stack ?? "IPV4"),
  network: z.enum(["EXTERNAL", "INTERNAL"], { error: "network: must be EXTERNAL or INTERNAL" }).nullish(),
  forwarding_rules: z
    .array(forwardingRule, { error: "forwarding_rules is required" })
    .min(1, "must specify at least one forwarding rule")
    .refine((rules) => new Set(rules.map((rule) => rule.entry_port)).size === rules.length, {
      error: "forwarding_rules: two rules have the same entry port",
    }),
  health_check: healthCheck.nullish().transform((check) => check ?? healthCheck.parse({})),
  sticky_sessions: z.object({ type: only("none") }).nullish(),
  vpc_uuid: optionalText,
  firewall: z
    .object({
      allow: z.array(accessRule).nullish(),
      deny: z.array(z.unknown()).max(0, "firewall.deny: is not offered by this lab region; leave it out").nullish(),
    })
    .nullish()
    .transform((rules) => ({ allow: rules?.allow ?? [], deny: [] })),
  ...Object.fromEntries(Object.entries(fixedSettings).map(([name, value]) => [name, only(value)])),
});

export type LoadBalancerInput = z.infer<typeof loadBalancerBody>;
