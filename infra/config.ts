/** Reads the stack's settings: the only place that does. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { configError } from "../components/cloud/configError.js";
import type { CloudDefinition } from "../components/cloud/definition.js";
import { cloudNamed, clouds } from "../components/clouds.js";
import { renderUserData } from "../components/nodeconfig/index.js";
import { type ClusterSpec, roles } from "../components/spec/cluster.js";
import { optionGroups, optionsOf, type Settings } from "../components/spec/settings/index.js";
import type { Option } from "../components/spec/settings/option.js";
import type { Problem } from "../components/spec/settings/rule.js";
import { chooseReleases, type RecordedReleases } from "../components/spec/upgrade.js";
import { addonSecretProblems } from "./settings/addonSecrets.js";
import { type Checksums, checksumsForm, parseChecksums } from "./settings/checksums.js";
import { chooseImage } from "./settings/image.js";
import { namespace, SettingsError } from "./settings/settingsError.js";
import { toClusterSpec } from "./settings/spec.js";
import { describeOption, validate } from "./settings/validate.js";

/** Paths in settings are relative to it. */
const projectDirectory = resolve(__dirname, "..");

/**
 * The cluster's description, from the running stack's settings.
 * @param recorded what the cluster has. @default there is no cluster
 * @throws pulumi.RunError with all problems; it is thrown before any resource is registered.
 */
export function loadClusterSpec(recorded: RecordedReleases = {}): ClusterSpec {
  try {
    return clusterSpec(pulumi.runtime.allConfig(), secretKeys(), clouds, recorded);
  } catch (error) {
    throw error instanceof SettingsError ? configError(error.message) : error;
  }
}

/**
 * The cluster's description, from a stack's whole configuration.
 * @param configuration full keys such as `corekube:node_count` to values, as the engine passes them: numbers and booleans as text,
 *   the rest as JSON. Other namespaces belong to providers.
 * @param secrets keys without namespace whose values must not be shown.
 * @throws SettingsError with all problems.
 */
export function clusterSpec(
  configuration: Readonly<Record<string, string>>,
  secrets: readonly string[] = [],
  list: readonly CloudDefinition[] = clouds,
  recorded: RecordedReleases = {},
): ClusterSpec {
  const { settings, problems } = validate(readValues(configuration, list), list);
  if (!settings) {
    throw new SettingsError(problems, secrets);
  }
  const cloud = cloudNamed(settings.cloud, list);
  const beside = [...cloud.providerProblems(configuration, settings), ...addonSecretProblems(configuration, settings)];
  if (beside.length > 0) {
    throw new SettingsError(beside, secrets);
  }
  const choice = chooseReleases(settings, recorded);
  if ("problem" in choice) {
    throw new SettingsError([choice.problem], secrets);
  }
  const chosenImage = chooseImage(settings, recorded.image, list);
  if ("problem" in chosenImage) {
    throw new SettingsError([chosenImage.problem], secrets);
  }
  const chosen = { ...choice.releases, ...chosenImage };
  const spec = toClusterSpec(settings, chosen, readChecksums(settings.mirrors.checksums), list);
  const tooLarge = userDataProblems(spec, settings, cloud);
  if (tooLarge.length > 0) {
    throw new SettingsError(tooLarge, secrets);
  }
  return spec;
}

function readValues(
  configuration: Readonly<Record<string, string>>,
  list: readonly CloudDefinition[],
): Record<string, unknown> {
  const options = optionsOf(optionGroups(list));
  const prefix = `${namespace}:`;
  return Object.fromEntries(
    Object.entries(configuration)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), readValue(key.slice(prefix.length), value, options)]),
  );
}

/** A value that is not of the option's type stays text, and is refused by the option. */
function readValue(name: string, value: string, options: Readonly<Record<string, Option>>): unknown {
  const type = Object.hasOwn(options, name) ? describeOption(options[name]!).type : undefined;
  if (type === undefined || type === "string") {
    return value;
  }
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

/** Keys that were set with `--secret`, without namespace. */
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
      allowed: `a readable file with ${checksumsForm}; ${file}: ${(error as Error).message}`,
      fix: "Create the file, or remove the setting: pulumi config rm --path mirrors.checksums",
    };
    throw new SettingsError([problem]);
  }
}

/** User-data grows with some settings; its size is checked before anything is created. */
function userDataProblems(spec: ClusterSpec, settings: Settings, { profile }: CloudDefinition): Problem[] {
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
