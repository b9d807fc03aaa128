/** User-data: small enough for every cloud, and without secrets. */
import type { Resource } from "../components/cloud/policy.js";
import { type Allowed, allowedNames, resourceRule } from "./rule.js";
import { type Clouds, machineTypes } from "./types.js";
import { unpack } from "./unpack.js";
import { type Value } from "../components/cloud/propertyValues.js";

/** User-data as the machine sees it, with its property; undefined: none, or not known yet. */
export function userDataOf(
  clouds: Clouds,
  { type, props }: Pick<Resource, "type" | "props">,
): { readonly path: string; readonly bytes: Buffer } | undefined {
  const machine = machineTypes(clouds)[type];
  if (!machine) return undefined;
  const { userData, userDataBase64 } = props;
  if (isText(userData)) return { path: "userData", bytes: Buffer.from(userData, machine.base64 ? "base64" : "utf8") };
  return isText(userDataBase64) ? { path: "userDataBase64", bytes: Buffer.from(userDataBase64, "base64") } : undefined;
}

function isText(value: Value): value is string {
  return typeof value === "string" && value !== "";
}

/** As text that `unpack` can read, compressed data included. */
export function userDataText(bytes: Buffer): string {
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? `data:;base64,${bytes.toString("base64")}` : bytes.toString("utf8");
}

interface SizeSettings extends Allowed {
  readonly limit: number;
}

export const userDataSize = (clouds: Clouds) =>
  resourceRule<SizeSettings>({
    id: "user-data-size",
    description: "User-data is small enough for every cloud: 16384 bytes on AWS, 65536 on DigitalOcean.",
    settings: {
      limit: {
        type: "integer",
        minimum: 1,
        maximum: 65_536,
        default: 16_384,
        description: "Maximum size in bytes, before base64.",
      },
      ...allowedNames("may have more"),
    },
    check: (resource, { limit }, report) => {
      const found = userDataOf(clouds, resource);
      if (found && found.bytes.length > limit)
        report(`${found.path}: got ${found.bytes.length} bytes, at most ${limit} are allowed.`);
    },
  });

/** Patterns of secrets. Reports name the kind, never the text. */
const secrets: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ["a private key", /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/],
  // https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/; random ones without any digit are one in a thousand.
  ["a join token", /(?<![\w.-])(?=[a-z.]*[0-9])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.-])/],
  ["a DigitalOcean token", /\bdo[opr]_v1_[0-9a-f]{64}\b/],
  ["an AWS access key", /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ["an AWS secret key", /aws_?secret_?access_?key["']?\s*[:=]\s*["']?[A-Za-z0-9/+]{40}\b/i],
  ["a GitHub token", /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})\b/],
  ["a Pulumi token", /\bpul-[0-9a-f]{40}\b/],
  ["a JSON Web Token", /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/],
  ["a password in an address", /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@"'$<>{}]*:[^\s/@"'$<>{}]+@[^\s/@]/i],
  ["a password hash", /\$(?:1|2[abxy]|5|6|7|y|gy)\$[./A-Za-z0-9$=,]{20,}/],
];

interface SecretSettings extends Allowed {
  readonly patterns: readonly string[];
}

export const userDataWithoutSecrets = (clouds: Clouds) =>
  resourceRule<SecretSettings>({
    id: "user-data-without-secrets",
    description:
      "No secret is in user-data, which everything on the machine can read at any time: private keys, tokens and passwords are delivered later.",
    settings: {
      patterns: {
        type: "array",
        items: { type: "string" },
        default: [],
        description: "Additional regular expressions (JavaScript) for secrets.",
      },
      ...allowedNames("may have secrets in user-data"),
    },
    check: (resource, { patterns }, report) => {
      const found = userDataOf(clouds, resource);
      if (!found) return;
      const { layers, unreadable } = unpack(userDataText(found.bytes));
      const own = patterns.map((pattern): readonly [string, RegExp] => [
        `what ${JSON.stringify(pattern)} describes`,
        new RegExp(pattern),
      ]);
      for (const [kind, pattern] of [...secrets, ...own]) {
        const layer = layers.find(({ text }) => pattern.test(text));
        if (layer) report(`${found.path}: ${layer.where} contains ${kind}; deliver it after boot.`);
      }
      for (const where of unreadable)
        report(`${found.path}: ${where} contains compressed data that cannot be opened and so cannot be checked.`);
    },
  });
