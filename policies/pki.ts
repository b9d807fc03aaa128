/** Signing keys: without them, a cluster cannot be maintained. */
import type { StackResource } from "../components/cloud/policy.js";
import { type Allowed, allowedNames, stackOf, stackRule } from "./rule.js";
import { isTrue } from "../components/cloud/propertyValues.js";

const privateKey = "tls:index/privateKey:PrivateKey";
const selfSigned = "tls:index/selfSignedCert:SelfSignedCert";
const locallySigned = "tls:index/locallySignedCert:LocallySignedCert";

/** Components whose own keys sign certificates and service account tokens. */
const signers: readonly string[] = ["corekube:pki:Authority", "corekube:pki:Pki"];

/** Children of the same component that encrypt Secrets and sign nothing. A rotation deletes old ones. */
const encrypts = /-encryption-[0-9]+$/;

interface Settings extends Allowed {
  readonly stacks: readonly string[];
}

export const caKeysProtected = stackRule<Settings>({
  id: "ca-keys-protected",
  description:
    "Keys and certificates of certificate authorities, and keys that sign service account tokens, are protected against deletion.",
  settings: {
    stacks: {
      type: "array",
      items: { type: "string" },
      default: ["corekube/dev", "corekube/ha", "corekube/lab-aws", "corekube/lab-digitalocean"],
      description:
        "Stacks, as project/stack, whose keys may be unprotected. Default: the lab's, which are short-lived.",
    },
    ...allowedNames("may be unprotected"),
  },
  check: (resources, { stacks }, report) => {
    for (const key of signing(resources)) {
      if (key.protect || stacks.includes(stackOf(key.urn))) continue;
      report(key, "is not protected; set deletion_protection to true, or the resource option protect.");
    }
  },
});

/** Found by their use, whichever component created them. */
function signing(resources: readonly StackResource[]): Set<StackResource> {
  const keys = new Map(resources.filter(({ type }) => type === privateKey).map((key) => [key.urn, key]));
  const found = new Set<StackResource>();
  const add = (urns: readonly string[]): void => {
    for (const urn of urns) {
      const key = keys.get(urn);
      if (key) found.add(key);
    }
  };
  for (const resource of resources) {
    if (
      resource.type === privateKey &&
      signers.includes(resource.ancestors[0]?.type ?? "") &&
      !encrypts.test(resource.name)
    )
      found.add(resource);
    const isAuthority = isTrue(resource.props["isCaCertificate"]);
    if (resource.type === selfSigned && isAuthority) {
      found.add(resource);
      add(resource.sources("privateKeyPem"));
    }
    if (resource.type === locallySigned) {
      if (isAuthority) found.add(resource);
      add(resource.sources("caPrivateKeyPem"));
    }
  }
  return found;
}
