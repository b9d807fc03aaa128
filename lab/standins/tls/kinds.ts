/** The resources of the tls plugin. */
import { createHash } from "node:crypto";
import { compare } from "../framework/changes.js";
import {
  type Change,
  type Failure,
  type Kind,
  type Properties,
  type State,
  UNKNOWN,
  type Value,
} from "../framework/kind.js";
import { createRequest } from "./certificates.js";
import { issueLocallySigned, issueSelfSigned, type Issued } from "./issue.js";
import {
  type Algorithm,
  algorithmOf,
  algorithms,
  curves,
  generateKey,
  parseKey,
  privatePem,
  publicDer,
} from "./keys.js";
import { fingerprints, privateOpenssh, publicOpenssh } from "./openssh.js";
import { alternativeNames, checkNames, distinguishedName, strings } from "./subject.js";
import { allowedUses } from "./usages.js";

interface Recipe {
  readonly secretInputs?: readonly string[];
  readonly secretOutputs?: readonly string[];
  /** Outputs that a preview does not know. */
  readonly computed: readonly string[];
  readonly defaults?: Properties;
  /** Inputs that may change without a new key or certificate. */
  readonly updatable?: readonly string[];
  check(inputs: Properties): readonly Failure[];
  make(inputs: Properties): Issued;
  /** Whether what was made is due for renewal. */
  isDue?(state: State, inputs: Properties): boolean;
}

/** Nothing here exists outside the state: reading gives the state, deleting does nothing, a change makes it anew. */
function kind(recipe: Recipe): Kind {
  const complete = (inputs: Properties): Properties => ({ ...recipe.defaults, ...inputs });
  return {
    secretInputs: new Set(recipe.secretInputs),
    secretOutputs: new Set([...(recipe.secretInputs ?? []), ...(recipe.secretOutputs ?? [])]),
    check: (_operation, inputs) => ({ inputs, failures: recipe.check(inputs) }),
    diff: (state, inputs) => {
      const updatable = new Set(recipe.updatable);
      const changes: Change[] = compare(state.inputs, inputs, { replaces: (path) => !updatable.has(path) });
      if (recipe.isDue?.(state, inputs) === true)
        changes.push({ path: "readyForRenewal", kind: "update", replace: true, input: false });
      return { changes, deleteBeforeReplace: false };
    },
    preview: (_operation, state, inputs) => ({
      ...(state === undefined ? Object.fromEntries(recipe.computed.map((name) => [name, UNKNOWN])) : state.outputs),
      ...complete(inputs),
    }),
    create: async (_operation, inputs) => {
      const { id, outputs } = recipe.make(inputs);
      return { id, outputs: { ...complete(inputs), ...outputs } };
    },
    update: async (_operation, state, inputs) => ({
      ...state.outputs,
      ...complete(inputs),
      ...(recipe.isDue === undefined ? {} : { readyForRenewal: false }),
    }),
    read: async (operation, state) => {
      if (Object.keys(state.outputs).length === 0)
        throw new Error(`${operation.type} cannot be imported: it exists nowhere but in a stack's state`);
      const due = recipe.isDue?.(state, state.inputs);
      return { ...state, outputs: due === undefined ? state.outputs : { ...state.outputs, readyForRenewal: due } };
    },
    delete: async () => undefined,
  };
}

function oneOf(inputs: Properties, property: string, allowed: readonly string[]): Failure[] {
  const value = inputs[property];
  if (typeof value !== "string" || allowed.includes(value)) return [];
  return [{ property, reason: `${property}: got ${JSON.stringify(value)}, allowed are ${allowed.join(", ")}` }];
}

function atLeast(inputs: Properties, property: string, least: number): Failure[] {
  const value = inputs[property];
  if (typeof value !== "number" || (Number.isInteger(value) && value >= least)) return [];
  return [{ property, reason: `${property}: got ${value}, it must be a whole number of at least ${least}` }];
}

/** The write-only form of a secret input never reaches a state; the engine here has no such inputs. */
function readableSecret(inputs: Properties, property: string): Failure[] {
  for (const name of [`${property}Wo`, `${property}WoVersion`]) {
    if ((inputs[name] ?? null) !== null)
      return [{ property: name, reason: `${name}: the lab's stand-in has no write-only inputs; use ${property}` }];
  }
  return (inputs[property] ?? null) === null ? [{ property, reason: `${property} is missing` }] : [];
}

function checkTerms(inputs: Properties): Failure[] {
  const uses = inputs["allowedUses"] as Value;
  const failures = strings(uses).flatMap((use, index): Failure[] =>
    allowedUses.includes(use)
      ? []
      : [
          {
            property: `allowedUses[${index}]`,
            reason: `allowedUses[${index}]: got ${JSON.stringify(use)}, allowed are ${allowedUses.join(", ")}`,
          },
        ],
  );
  return [
    ...failures,
    ...atLeast(inputs, "validityPeriodHours", 0),
    ...atLeast(inputs, "earlyRenewalHours", 0),
    ...atLeast(inputs, "maxPathLength", -1),
  ];
}

function text(inputs: Properties, property: string): string {
  const value = inputs[property];
  if (typeof value !== "string") throw new Error(`${property} is missing`);
  return value;
}

const hour = 3_600_000;

/** In the last `earlyRenewalHours` before its end, or after it. */
function isDue(state: State, inputs: Properties): boolean {
  const end = Date.parse(String(state.outputs["validityEndTime"]));
  const early = typeof inputs["earlyRenewalHours"] === "number" ? inputs["earlyRenewalHours"] : 0;
  return Number.isFinite(end) && Date.now() >= end - early * hour;
}

const privateKey = kind({
  secretOutputs: ["privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"],
  computed: [
    "privateKeyPem",
    "privateKeyPemPkcs8",
    "privateKeyOpenssh",
    "publicKeyPem",
    "publicKeyOpenssh",
    "publicKeyFingerprintMd5",
    "publicKeyFingerprintSha256",
  ],
  defaults: { ecdsaCurve: "P224", rsaBits: 2048 },
  check: (inputs) => [
    ...oneOf(inputs, "algorithm", algorithms),
    ...oneOf(inputs, "ecdsaCurve", Object.keys(curves)),
    ...atLeast(inputs, "rsaBits", 1024),
  ],
  make: (inputs) => {
    const bits = typeof inputs["rsaBits"] === "number" ? inputs["rsaBits"] : 2048;
    const curve = typeof inputs["ecdsaCurve"] === "string" ? inputs["ecdsaCurve"] : "P224";
    const key = generateKey(text(inputs, "algorithm") as Algorithm, curve, bits);
    const der = publicDer(key);
    const prints = fingerprints(key);
    return {
      id: createHash("sha1").update(der).digest("hex"),
      outputs: {
        privateKeyPem: privatePem(key),
        privateKeyPemPkcs8: key.export({ format: "pem", type: "pkcs8" }).toString(),
        privateKeyOpenssh: privateOpenssh(key) ?? "",
        publicKeyPem: `-----BEGIN PUBLIC KEY-----\n${(der.toString("base64").match(/.{1,64}/g) ?? []).join("\n")}\n-----END PUBLIC KEY-----\n`,
        publicKeyOpenssh: publicOpenssh(key) ?? "",
        publicKeyFingerprintMd5: prints?.md5 ?? "",
        publicKeyFingerprintSha256: prints?.sha256 ?? "",
      },
    };
  },
});

const certRequest = kind({
  secretInputs: ["privateKeyPem"],
  computed: ["certRequestPem", "keyAlgorithm"],
  check: (inputs) => [...readableSecret(inputs, "privateKeyPem"), ...checkNames(inputs)],
  make: (inputs) => {
    const key = parseKey(text(inputs, "privateKeyPem"), "privateKeyPem");
    const pem = createRequest(distinguishedName(inputs["subject"]), alternativeNames(inputs), key);
    return {
      id: createHash("sha1").update(pem).digest("hex"),
      outputs: { certRequestPem: pem, keyAlgorithm: algorithmOf(key) },
    };
  },
});

const certificateDefaults = { earlyRenewalHours: 0, isCaCertificate: false, setSubjectKeyId: false };

const locallySignedCert = kind({
  secretInputs: ["caPrivateKeyPem"],
  computed: ["certPem", "caKeyAlgorithm", "readyForRenewal", "validityStartTime", "validityEndTime"],
  defaults: certificateDefaults,
  updatable: ["earlyRenewalHours"],
  check: (inputs) => [...readableSecret(inputs, "caPrivateKeyPem"), ...checkTerms(inputs)],
  make: issueLocallySigned,
  isDue,
});

const selfSignedCert = kind({
  secretInputs: ["privateKeyPem"],
  computed: ["certPem", "keyAlgorithm", "readyForRenewal", "validityStartTime", "validityEndTime"],
  defaults: { ...certificateDefaults, setAuthorityKeyId: false },
  updatable: ["earlyRenewalHours"],
  check: (inputs) => [...readableSecret(inputs, "privateKeyPem"), ...checkNames(inputs), ...checkTerms(inputs)],
  make: issueSelfSigned,
  isDue,
});

export const kinds: ReadonlyMap<string, Kind> = new Map([
  ["tls:index/privateKey:PrivateKey", privateKey],
  ["tls:index/certRequest:CertRequest", certRequest],
  ["tls:index/locallySignedCert:LocallySignedCert", locallySignedCert],
  ["tls:index/selfSignedCert:SelfSignedCert", selfSignedCert],
]);
