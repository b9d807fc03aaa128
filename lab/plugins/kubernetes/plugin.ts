/** What the kubernetes stand-in offers: every kind that the SDK declares, by one way of handling objects. */
import { parseSetting } from "../framework/settings.js";
import { isUnknown, type Plugin, type Properties } from "../framework/kind.js";
import { connect, type Client } from "./client.js";
import { objectKind, type Settings } from "./objects.js";

const token = /^kubernetes:(?<group>[a-z0-9.]+)\/(?<version>v[0-9a-z]+):(?<kind>[A-Za-z]+)$/;
let settings: Settings = { client: undefined, namespace: "default", mutableConfigMaps: false, mutableSecrets: false };
const objects = objectKind(() => settings);

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export const plugin: Plugin = {
  name: "kubernetes",
  sdk: "@pulumi/kubernetes",
  // Helm, kustomize and YAML files are rendered by the official plugin; a list or a patch is no object of its own.
  kind: (type) => (token.test(type) && !/(List|Patch)$/.test(type) && !type.startsWith("kubernetes:helm") ? objects : undefined),
  offered: "every kind of object of the API (no helm, yaml, kustomize, lists or patches)",
  declaration: (type) => {
    const { group = "", version = "", kind = "" } = token.exec(type)?.groups ?? {};
    // The SDK's folders leave the domain out: rbac.authorization.k8s.io is in rbac/.
    return { module: `${group.split(".")[0]}/${version}/${kind.charAt(0).toLowerCase()}${kind.slice(1)}`, name: kind };
  },
  configure: async (given: Properties) => {
    const kubeconfig = given["kubeconfig"];
    let client: Client | undefined;
    if (!isUnknown(kubeconfig)) client = await connect(text(kubeconfig), text(given["context"]), text(given["cluster"]));
    settings = {
      client,
      namespace: text(given["namespace"]) ?? "default",
      mutableConfigMaps: parseSetting(given["enableConfigMapMutable"]) === true,
      mutableSecrets: parseSetting(given["enableSecretMutable"]) === true,
    };
  },
};
