/** Settings: access, security and tags. */
import { isIP } from "node:net";
import { z } from "zod";
import { anyCidrProblem } from "../cidr.js";
import { option, passed } from "./option.js";
import { anyCidr, isDnsName, matching, oneOf, ports, sshPublicKey, text, whole, yesOrNo } from "./valueTypes.js";

/** Names of sources that are no network. */
const sources = ["nodes", "network", "admin", "everyone"] as const;

const firewallRule = z
  .strictObject({
    role: oneOf("etcd", "controller", "worker", "public", "nodes").describe(
      "The machines whose ports are opened; nodes: controllers, workers and public workers.",
    ),
    protocol: oneOf("tcp", "udp", "icmp").default("tcp").describe("The protocol."),
    ports: z
      // A port alone is a number for the engine.
      .preprocess(
        (value) => (typeof value === "number" ? String(value) : value),
        text(
          "a port from 1 to 65535, or two with a dash between them, the lower one first, such as 9100 or 7000-7010",
          (value) => ports(value) !== undefined,
        ),
      )
      .optional()
      .describe("The ports. Not set: protocol icmp, which has none."),
    from: text(
      `${sources.join(", ")}, or a network in CIDR notation such as 192.0.2.0/24`,
      (value) => sources.some((source) => source === value) || anyCidrProblem(value) === undefined,
    ).describe(
      "Who may connect. nodes: controllers, workers and public workers, and so every pod; network: everything in node_cidr; admin: admin_cidrs; everyone: the internet.",
    ),
  })
  .meta({ allowed: "role, protocol, ports and from" });

export const accessOptions = {
  admin_cidrs: passed(
    z
      .array(anyCidr())
      .min(1)
      .max(50)
      .refine((networks) => new Set(networks).size === networks.length)
      .meta({ allowed: "1 to 50 networks in CIDR notation, each once; 0.0.0.0/0 opens the cluster to everyone" }),
    [],
    "Networks from which administrators and users reach SSH, the API and node ports. Required.",
    "the cloud's resources",
  ),
  api_names: passed(
    z
      .array(
        text(
          "a lower-case DNS name of at most 253 characters, such as api.example.com, or an IP address",
          (value) => isIP(value) !== 0 || isDnsName(value),
        ),
      )
      .max(20)
      .refine((names) => new Set(names).size === names.length)
      .meta({ allowed: "at most 20 DNS names and IP addresses, each once" }),
    [],
    "Further names and addresses under which the API is reached, such as a DNS record of yours: they are in the API servers' certificates. A change renews these, one controller after another.",
    "in place on controllers",
  ),
  firewall_rules: passed(
    z.array(firewallRule).max(30).meta({ allowed: "at most 30 rules" }),
    [],
    "Ports of machines that are open besides those of the cluster's own parts, for networks of pods (network_provider none), node exporters, network load balancers and the like: pulumi config set --path 'firewall_rules[0].role' nodes, and the same with ports and from.",
    "the cloud's resources",
  ),
  ssh_public_keys: passed(
    z
      .array(
        matching("an SSH public key in one line, as ssh-keygen writes it: ssh-ed25519 AAAA... comment", sshPublicKey),
      )
      .refine((keys) => keys.join("").length <= 2400)
      .meta({
        allowed:
          "SSH public keys of at most 2400 characters together (20 ed25519 keys, or 3 RSA keys): they are part of every machine's user-data",
      }),
    [],
    "Additional SSH keys that may log in to the machines as user core.",
    "in place on all machines",
  ),
  pod_security: passed(
    oneOf("privileged", "baseline", "restricted"),
    "baseline",
    "Pod Security Standard enforced in namespaces without a label for it; kube-system is exempt.",
    "in place on controllers",
  ),
  encryption_key: passed(
    whole(1, 1_000_000, "keys"),
    1,
    "Number of the key with which the API server encrypts Secrets at rest. Increase it by one to rotate: a new key is created, and all Secrets are re-encrypted with it.",
    "in place on controllers",
  ),
  tags: option(
    z
      .record(z.string(), z.string())
      .refine((tags) => Object.keys(tags).length <= 20)
      .meta({ allowed: "at most 20 names, each with a text" }),
    {},
    "Tags of every cloud resource, in addition to KubernetesCluster with the cluster's name.",
    "the cloud's resources",
  ),
  deletion_protection: passed(
    yesOrNo(),
    true,
    "Refuse to delete the keys of certificate authorities and the volumes of etcd. Set it to false and run pulumi up before pulumi destroy.",
    "nothing",
  ),
};
