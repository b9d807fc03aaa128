/** The provider's own settings. */
import { isList } from "../framework/inputs.js";
import type { Failure, Properties } from "../framework/kind.js";
import { parseSetting } from "../framework/settings.js";
import { type Tags, tagsOf } from "./tags.js";
import { bag, bags, text } from "./values.js";

export interface Settings {
  readonly region: string;
  /** Undefined: the SDK looks for them as all of AWS's tools do. */
  readonly credentials:
    { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string } | undefined;
  readonly profile: string | undefined;
  /** Addresses instead of AWS's public ones. */
  readonly endpoints: { readonly ec2?: string; readonly elb?: string; readonly iam?: string; readonly sts?: string };
  readonly skipCredentialsValidation: boolean;
  readonly skipRequestingAccountId: boolean;
  readonly skipMetadataApiCheck: boolean;
  /** Tries of a call that the API is too busy for. @default 25, as the official provider */
  readonly maxRetries: number;
  /** Tags of every resource. */
  readonly defaultTags: Tags;
}

/** Services of `endpoints` that are used; two of them have several names. */
const services = {
  ec2: ["ec2"],
  elb: ["elbv2", "elasticloadbalancingv2", "elb", "elasticloadbalancing"],
  iam: ["iam"],
  sts: ["sts"],
} as const;

/** What of the declared settings means anything here; the others would be ignored, which is worse than refused. */
const known = new Set([
  ...[
    "region",
    "accessKey",
    "secretKey",
    "token",
    "profile",
    "endpoints",
    "skipCredentialsValidation",
    "skipRequestingAccountId",
    "skipMetadataApiCheck",
  ],
  ...["skipRegionValidation", "maxRetries", "defaultTags", "version", "pluginDownloadURL"],
]);

/** Undefined: no region is known. @param env Where AWS's tools look. */
export function readSettings(settings: Properties, env: NodeJS.ProcessEnv): Settings | undefined {
  const region = text(settings["region"]) ?? text(env["AWS_REGION"]) ?? text(env["AWS_DEFAULT_REGION"]);
  if (region === undefined) return undefined;
  const accessKeyId = text(settings["accessKey"]);
  const secretAccessKey = text(settings["secretKey"]);
  const sessionToken = text(settings["token"]);
  const given = endpointsOf(settings);
  const endpoint = (names: readonly string[]): string | undefined =>
    names.map((name) => text(given[name])).find((address) => address !== undefined);
  const maxRetries = parseSetting(settings["maxRetries"]);
  return {
    region,
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    profile: text(settings["profile"]),
    endpoints: {
      ec2: endpoint(services.ec2),
      elb: endpoint(services.elb),
      iam: endpoint(services.iam),
      sts: endpoint(services.sts),
    },
    skipCredentialsValidation: isOn(settings, "skipCredentialsValidation"),
    skipRequestingAccountId: isOn(settings, "skipRequestingAccountId"),
    skipMetadataApiCheck: isOn(settings, "skipMetadataApiCheck"),
    maxRetries: typeof maxRetries === "number" ? maxRetries : 25,
    defaultTags: tagsOf(bag(parseSetting(settings["defaultTags"]))["tags"]),
  };
}

/** @param settings As the program gave them, parsed. */
export function settingsProblems(settings: Properties): Failure[] {
  const failures: Failure[] = [];
  for (const name of Object.keys(settings).filter((key) => !known.has(key) && (settings[key] ?? null) !== null)) {
    failures.push({
      property: name,
      reason: `the lab's stand-in for the plugin "aws" does not support the setting ${name}; take it away, or install the official plugin`,
    });
  }
  for (const [name, address] of Object.entries(endpointsOf(settings))) {
    if (typeof address !== "string" || address === "" || URL.canParse(address)) continue;
    failures.push({
      property: "endpoints",
      reason: `endpoints[0].${name}: got ${JSON.stringify(address)}, it must be a URL such as https://ec2.eu-central-1.amazonaws.com`,
    });
  }
  if (
    (text(settings["accessKey"]) === undefined) !== (text(settings["secretKey"]) === undefined) &&
    !isUnknownPart(settings)
  ) {
    failures.push({
      property: "accessKey",
      reason: "accessKey and secretKey belong together; give both, or none and use a profile or the environment",
    });
  }
  return failures;
}

function endpointsOf(settings: Properties): Properties {
  const value = parseSetting(settings["endpoints"]);
  return isList(value) ? (Object.assign({}, ...bags(value)) as Properties) : bag(value);
}

function isOn(settings: Properties, name: string): boolean {
  return parseSetting(settings[name]) === true;
}

function isUnknownPart(settings: Properties): boolean {
  return [settings["accessKey"], settings["secretKey"]].some((value) => typeof value === "symbol");
}
