/** What the kubernetes stand-in offers: every kind of object, by one way of handling them. */
import { isUnknown, type Failure, type Plugin, type Properties, type Value } from "../framework/kind.js";
import { parseSetting } from "../framework/settings.js";
import { Client } from "./client.js";
import { type Choice, clusterIdentity, readTarget, type Target } from "./kubeconfig.js";
import { objectKind, type Settings } from "./objects.js";

const token = /^kubernetes:(?<group>[a-z0-9.-]+)\/(?<version>v[0-9a-z]+):(?<kind>[A-Za-z0-9]+)$/;
const offered = "every kind of object of the API (no helm, yaml, kustomize, lists or patches)";

/** @param env Settings that the provider's own do not say: PULUMI_K8S_... and KUBECONFIG. */
export function createPlugin(env: NodeJS.ProcessEnv): Plugin {
  let settings: Settings = settingsOf({}, env);
  const objects = objectKind(() => settings, false);
  const secrets = objectKind(() => settings, true);
  return {
    name: "kubernetes",
    sdk: "@pulumi/kubernetes",
    // Helm, kustomize and YAML files are rendered by the official plugin; a list or a patch is no object of its own.
    kind: (type) => {
      if (!token.test(type) || /(List|Patch)$/.test(type) || /^kubernetes:(helm|yaml|kustomize)/.test(type))
        return undefined;
      return type === "kubernetes:core/v1:Secret" ? secrets : objects;
    },
    offered,
    declaration: (type) => {
      const { group = "", version = "", kind = "" } = token.exec(type)?.groups ?? {};
      // The SDK's folders leave the domain out: rbac.authorization.k8s.io is in rbac/.
      return {
        module: `${group.split(".")[0]}/${version}/${kind.replace(/^[A-Z]+/, (capitals) => capitals.toLowerCase())}`,
        name: kind,
      };
    },
    checkConfig,
    replacesOn: (setting, olds, news) => {
      const identifier = [olds, news].map((bag) => text(bag["clusterIdentifier"]));
      if (identifier.some((value) => value !== undefined))
        return setting === "clusterIdentifier" && identifier[0] !== identifier[1];
      if (!["kubeconfig", "context", "cluster"].includes(setting) || isUnknown(news["kubeconfig"])) return false;
      const [before, after] = [olds, news].map((bag) => clusterIdentity(text(bag["kubeconfig"]), choiceOf(bag)));
      return before !== undefined && after !== undefined && before !== after;
    },
    configure: (given) => {
      settings = settingsOf(given, env);
    },
  };
}

function settingsOf(given: Properties, env: NodeJS.ProcessEnv): Settings {
  const kubeconfig = given["kubeconfig"];
  const flag = (setting: string, variable: string): boolean => parseSetting(given[setting] ?? env[variable]) === true;
  const known = !isUnknown(kubeconfig);
  let target: Target | undefined;
  let client: Client | undefined;
  // Read at the first use: a provider that no resource uses needs no cluster.
  const targetOf = (): Target => {
    if (!known) throw new Error("kubeconfig is not known yet, so that there is no cluster to talk to");
    return (target ??= readTarget(text(kubeconfig), choiceOf(given), env));
  };
  return {
    known,
    client: () => (client ??= new Client(targetOf())),
    get namespace() {
      return text(given["namespace"]) ?? targetOf().namespace ?? "default";
    },
    mutableConfigMaps: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    mutableSecrets: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    patchForce: flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
    upsert: flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    deleteUnreachable: flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
  };
}

function checkConfig(settings: Properties): readonly Failure[] {
  const failures: Failure[] = [];
  if (settings["enableServerSideApply"] === false) {
    failures.push({
      property: "enableServerSideApply",
      reason:
        "enableServerSideApply: got false, the lab's stand-in applies on the server only; leave it out or install the official plugin",
    });
  }
  if (text(settings["renderYamlToDirectory"]) !== undefined) {
    failures.push({
      property: "renderYamlToDirectory",
      reason: "renderYamlToDirectory: the lab's stand-in writes no files; leave it out or install the official plugin",
    });
  }
  return failures;
}

function choiceOf(bag: Properties): Choice {
  return { context: text(bag["context"]), cluster: text(bag["cluster"]) };
}

function text(value: Value | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
