/** Reads the stack's settings: the only place that does. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { cloudProfile } from "../components/cloud/profiles.js";
import { refusal } from "../components/cloud/refusal.js";
import { renderUserData } from "../components/nodeconfig/index.js";
import { type ClusterSpec, roles } from "../components/spec/cluster.js";
import { type Checksums, checksumsForm, parseChecksums } from "./settings/checksums.js";
import { options, type Settings } from "./settings/options.js";
import { namespace, type Problem, SettingsError } from "./settings/problem.js";
import { toClusterSpec } from "./settings/spec.js";
import { describeOption, isOption, validate } from "./settings/validate.js";

/** Paths in settings are relative to it. */
const projectDirectory = resolve(__dirname, "..");

/**
 * The cluster's description, from the running stack's settings.
 * @throws pulumi.RunError with everything that is wrong with them; it is thrown before any resource is registered.
 */
export function loadClusterSpec(): ClusterSpec {
  try {
    return clusterSpec(pulumi.runtime.allConfig(), secretKeys());
  } catch (error) {
    throw error instanceof SettingsError ? refusal(error.message) : error;
  }
}

/**
 * The cluster's description, from a stack's whole configuration.
 * @param configuration full keys such as `corekube:node_count` to values, as the engine hands them out: numbers and booleans as
 *   text, the rest as JSON. Other namespaces belong to providers.
 * @param secrets keys without namespace whose values must not be shown.
 * @throws SettingsError with everything that is wrong.
 */
export function clusterSpec(
  configuration: Readonly<Record<string, string>>,
  secrets: readonly string[] = [],
): ClusterSpec {
  const { settings, problems } = validate(readValues(configuration));
  if (!settings) {
    throw new SettingsError(problems, secrets);
  }
  const elsewhere = providerProblems(configuration, settings);
  if (elsewhere.length > 0) {
    throw new SettingsError(elsewhere, secrets);
  }
  const spec = toClusterSpec(settings, readChecksums(settings.mirrors.checksums));
  const tooLarge = userDataProblems(spec, settings);
  if (tooLarge.length > 0) {
    throw new SettingsError(tooLarge, secrets);
  }
  return spec;
}

/** What settings of the clouds' own providers must be for these settings. */
function providerProblems(
  configuration: Readonly<Record<string, string>>,
  { cloud, region, cloud_provider }: Settings,
): Problem[] {
  const problems: Problem[] = [];
  // It would make the cluster elsewhere, or nothing.
  const got = configuration["aws:region"];
  if (cloud === "aws" && got !== region) {
    problems.push({
      path: "aws:region",
      got,
      allowed: `${region}, as corekube:region`,
      mend: `Set it: pulumi config set aws:region ${region}`,
    });
  }
  // What stays in a cluster must have been put there on purpose: the environment's token is not taken.
  if (cloud_provider === "digitalocean" && !configuration["digitalocean:token"]) {
    problems.push({
      path: "digitalocean:token",
      got: undefined,
      allowed:
        "a token for the cluster's own controllers (corekube:cloud_provider is digitalocean), with the rights to droplets (read), load balancers, volumes, snapshots, tags and regions (read)",
      mend: "Set it: pulumi config set --secret digitalocean:token",
    });
  }
  return problems;
}

function readValues(configuration: Readonly<Record<string, string>>): Record<string, unknown> {
  const prefix = `${namespace}:`;
  return Object.fromEntries(
    Object.entries(configuration)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), readValue(key.slice(prefix.length), value)]),
  );
}

/** What is not of the option's type stays text, and is refused as such. */
function readValue(name: string, value: string): unknown {
  if (!isOption(name)) {
    return value;
  }
  const { type } = describeOption(options[name]);
  if (type === undefined || type === "string") {
    return value;
  }
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** The engine tells programs which keys were set with `--secret`. */
function secretKeys(): string[] {
  const keys = JSON.parse(process.env["PULUMI_CONFIG_SECRET_KEYS"] || "[]") as string[];
  return keys.map((key) => key.slice(key.indexOf(":") + 1));
}

function readChecksums(path: string | undefined): Checksums | undefined {
  if (path === undefined) {
    return undefined;
  }
  const file = resolve(projectDirectory, path);
  try {
    return parseChecksums(readFileSync(file, "utf8"));
  } catch (error) {
    const problem: Problem = {
      path: "mirrors.checksums",
      got: path,
      allowed: `a file that can be read and holds ${checksumsForm}; ${file}: ${(error as Error).message}`,
      mend: "Make the file, or unset the path: pulumi config rm --path mirrors.checksums",
    };
    throw new SettingsError([problem]);
  }
}

/** User-data grows with some settings; here its size is known before anything is made. */
function userDataProblems(spec: ClusterSpec, settings: Settings): Problem[] {
  const profile = cloudProfile(spec.cloud)!;
  const messages = roles.flatMap((role): string[] => {
    try {
      renderUserData(spec, role, profile);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
  if (messages.length === 0) return [];
  const growing = {
    http_proxy: settings.http_proxy,
    https_proxy: settings.https_proxy,
    no_proxy: settings.no_proxy,
    "mirrors.registries": settings.mirrors.registries,
    ssh_public_keys: settings.ssh_public_keys,
  };
  const [longest] = Object.entries(growing).sort(([, a], [, b]) => JSON.stringify(b).length - JSON.stringify(a).length);
  const [path, got] = longest!;
  return [{ path, got, allowed: messages.join("; ") }];
}
