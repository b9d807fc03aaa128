/** Settings: access, security and tags. */
import { z } from "zod";
import { option, passed } from "./option.js";
import { anyCidr, matching, oneOf, sshPublicKey, whole, yesOrNo } from "./valueTypes.js";

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
  ),
  pod_security: passed(
    oneOf("privileged", "baseline", "restricted"),
    "baseline",
    "Pod Security Standard enforced in namespaces without a label for it; kube-system is exempt.",
  ),
  encryption_key: passed(
    whole(1, 1_000_000, "keys"),
    1,
    "Number of the key with which the API server encrypts Secrets at rest. Increase it by one to rotate: a new key is created, and all Secrets are re-encrypted with it.",
  ),
  tags: option(
    z
      .record(z.string(), z.string())
      .refine((tags) => Object.keys(tags).length <= 20)
      .meta({ allowed: "at most 20 names, each with a text" }),
    {},
    "Tags of every cloud resource, in addition to KubernetesCluster with the cluster's name.",
  ),
  deletion_protection: passed(
    yesOrNo(),
    true,
    "Refuse to delete the keys of certificate authorities and the volumes of etcd. Set it to false and run pulumi up before pulumi destroy.",
  ),
};
