/** The resource types of the tls plugin. Nothing of them exists outside the state: a change makes another one. */
import { createHash, createPublicKey } from "node:crypto";
import type { Failure, Kind, State } from "../../../provider/rpc/kind.js";
import { type Properties, UNKNOWN } from "../../../provider/rpc/properties.js";
import { compare, topOf } from "../framework/changes.js";
import { changeOf, checkInputs, type Inputs } from "../framework/inputs.js";
import { texts } from "../framework/values.js";
import { type Certificate, createRequest, extendedUses, keyUses, locallySigned, selfSigned } from "./certificates.js";
import { generateKey, openssh, privatePem, publicPem } from "./keys.js";

interface Recipe {
  readonly title: string;
  readonly inputs: Inputs;
  readonly secretInputs?: readonly string[];
  readonly secretOutputs?: readonly string[];
  /** Outputs that a preview does not know. */
  readonly computed: readonly string[];
  readonly problems?: (inputs: Properties) => readonly Failure[];
  make(inputs: Properties): Promise<{ readonly id: string; readonly outputs: Properties }>;
}

function kind(recipe: Recipe): Kind<undefined> {
  const renewable = recipe.computed.includes("readyForRenewal");
  return {
    secretInputs: new Set(recipe.secretInputs),
    secretOutputs: new Set(recipe.secretOutputs),
    check: (inputs) => ({
      inputs,
      failures: [...checkInputs(recipe.inputs, inputs, recipe.title), ...(recipe.problems?.(inputs) ?? [])],
    }),
    diff: (state, inputs) => {
      const changes = compare(state.inputs, inputs, {
        replaces: (path) => changeOf(recipe.inputs, topOf(path)) === "replace",
      });
      if (renewable && isDue(state.outputs, inputs))
        changes.push({ path: "readyForRenewal", kind: "update", replace: true, input: false });
      return { changes, deleteBeforeReplace: false };
    },
    preview: (state, inputs) => ({
      ...(state?.outputs ?? Object.fromEntries(recipe.computed.map((name) => [name, UNKNOWN]))),
      ...inputs,
    }),
    create: async (_operation, inputs) => {
      const { id, outputs } = await recipe.make(inputs);
      return { id, outputs: { ...inputs, ...outputs } };
    },
    update: async (_operation, state: State, inputs) => ({ ...state.outputs, ...inputs, readyForRenewal: false }),
    read: async (_operation, { inputs, outputs }) =>
      renewable ? { ...outputs, readyForRenewal: isDue(outputs, inputs) } : outputs,
    delete: async () => undefined,
  };
}

/** In the last `earlyRenewalHours` before its end, or after it. */
function isDue(outputs: Properties, { earlyRenewalHours }: Properties): boolean {
  const end = Date.parse(String(outputs["validityEndTime"]));
  const early = typeof earlyRenewalHours === "number" ? earlyRenewalHours : 0;
  return Number.isFinite(end) && Date.now() >= end - early * 3_600_000;
}

const sha1 = (content: string | Buffer): string => createHash("sha1").update(content).digest("hex");

export const privateKey = kind({
  title: "private key",
  inputs: { algorithm: "replace", "ecdsaCurve?": "replace" },
  secretOutputs: ["privateKeyPem", "privateKeyOpenssh"],
  computed: ["privateKeyPem", "privateKeyOpenssh", "publicKeyPem", "publicKeyOpenssh"],
  problems: ({ algorithm, ecdsaCurve }) =>
    algorithm === "ED25519" || (algorithm === "ECDSA" && ecdsaCurve === "P256")
      ? []
      : [
          {
            property: "algorithm",
            reason: "algorithm: the lab's stand-in has ECDSA with ecdsaCurve P256, and ED25519",
          },
        ],
  make: async ({ algorithm }) => {
    const key = generateKey(algorithm as "ECDSA" | "ED25519");
    const ssh = openssh(key);
    return {
      id: sha1(createPublicKey(key).export({ format: "der", type: "spki" })),
      outputs: {
        privateKeyPem: privatePem(key),
        privateKeyOpenssh: ssh.privateKey,
        publicKeyPem: publicPem(key),
        publicKeyOpenssh: ssh.publicKey,
      },
    };
  },
});

const subject = ["replace", "commonName", "organization"] as const;

export const certRequest = kind({
  title: "certificate request",
  inputs: { privateKeyPem: "replace", subject, "dnsNames?": "replace", "ipAddresses?": "replace" },
  secretInputs: ["privateKeyPem"],
  computed: ["certRequestPem"],
  make: async (inputs) => {
    const certRequestPem = await createRequest(inputs);
    return { id: sha1(certRequestPem), outputs: { certRequestPem } };
  },
});

function usesProblems(inputs: Properties): Failure[] {
  const known = [...Object.keys(keyUses), ...Object.keys(extendedUses)];
  return texts(inputs["allowedUses"])
    .filter((use) => !known.includes(use))
    .map((use) => ({
      property: "allowedUses",
      reason: `allowedUses: got ${JSON.stringify(use)}; the lab's stand-in has ${known.join(", ")}`,
    }));
}

const certificateOutputs = ["certPem", "readyForRenewal", "validityStartTime", "validityEndTime"];

const issued = ({ pem, serialNumber, notBefore, notAfter }: Certificate) => ({
  id: serialNumber,
  outputs: {
    certPem: pem,
    readyForRenewal: false,
    validityStartTime: notBefore.toISOString(),
    validityEndTime: notAfter.toISOString(),
  },
});

export const selfSignedCert = kind({
  title: "self-signed certificate",
  inputs: {
    privateKeyPem: "replace",
    subject,
    isCaCertificate: "replace",
    setSubjectKeyId: "replace",
    allowedUses: "replace",
    validityPeriodHours: "replace",
  },
  secretInputs: ["privateKeyPem"],
  computed: certificateOutputs,
  problems: usesProblems,
  make: async (inputs) => issued(await selfSigned(inputs)),
});

export const locallySignedCert = kind({
  title: "locally signed certificate",
  inputs: {
    certRequestPem: "replace",
    caCertPem: "replace",
    caPrivateKeyPem: "replace",
    allowedUses: "replace",
    validityPeriodHours: "replace",
    earlyRenewalHours: "update",
  },
  secretInputs: ["caPrivateKeyPem"],
  computed: certificateOutputs,
  problems: usesProblems,
  make: async (inputs) => issued(await locallySigned(inputs)),
});
