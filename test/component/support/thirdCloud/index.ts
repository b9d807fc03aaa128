/** A cloud of the tests: proof that a cloud is one folder and one entry of a list. */
import { z } from "zod";
import type { CloudDefinition } from "../../../../components/cloud/definition.js";
import { bag, list, scalar, texts } from "../../../../components/cloud/propertyValues.js";
import { option } from "../../../../components/spec/settings/option.js";
import { set } from "../../../../components/spec/settings/rule.js";
import { oneOf } from "../../../../components/spec/settings/valueTypes.js";
import { preflight } from "./cloud.js";
import { profile } from "./profile.js";
import { tinyTypes } from "./types.js";

const schema = z.strictObject({ racks: oneOf("one", "many").optional().describe("Racks for the machines.") });

declare module "../../../../components/spec/clouds.js" {
  interface CloudOptions {
    readonly tiny: z.output<typeof schema>;
  }
  interface CloudSpecs {
    readonly tiny: { readonly racks: "one" | "many" };
  }
}

export const tiny: CloudDefinition = {
  name: "tiny",
  profile,
  option: option(schema, {}, "Settings of tiny only."),
  rules: [
    {
      needs: ["tiny", "high_availability"],
      check: ({ tiny: { racks }, high_availability }) =>
        high_availability && racks === "one"
          ? [
              {
                path: "tiny.racks",
                got: racks,
                allowed: "many with corekube:high_availability",
                fix: set("tiny.racks", "many"),
              },
            ]
          : [],
    },
  ],
  providerProblems: (configuration) =>
    configuration["tiny:account"]
      ? []
      : [{ path: "tiny:account", got: undefined, allowed: "an account", fix: set("tiny:account", "<name>") }],
  spec: ({ tiny: { racks } }) => ({ cloud: "tiny", racks: racks ?? "many" }),
  hasPrivateMachines: () => false,
  immutable: {
    tinyRacks: {
      setting: "tiny.racks",
      reason: "machines cannot move",
      value: ({ cloudSettings }) => (cloudSettings.cloud === "tiny" ? cloudSettings.racks : ""),
    },
  },
  preflight,
  addon: async () => ({
    controllerManager: (spec) => ({
      image: "aws-cloud-controller-manager",
      args: [`--cluster=${spec.name}`],
      accounts: [],
    }),
    driver: () => ({
      provisioner: "csi.tiny.example",
      name: "tiny-csi",
      image: "do-csi-plugin",
      object: { attachRequired: true },
      controllerArgs: [],
      controllerEnv: [],
      nodeArgs: [],
      nodeHostNetwork: false,
      nodeRules: [],
    }),
    storageClasses: () => [{ name: "ssd", isDefault: true, parameters: {} }],
  }),
  prices: ({ volumes }) => [{ what: `${volumes} GB of volumes`, monthly: volumes * 0.5 }],
  policy: {
    machines: { [tinyTypes.machine]: {} },
    images: { [tinyTypes.machine]: { property: "image" } },
    volumes: [tinyTypes.volume],
    attachments: { [tinyTypes.attachment]: { machine: "machineId", volume: "volumeId" } },
    openings: ({ type, props }) =>
      type === tinyTypes.firewall
        ? list(props["open"]).map((rule, index) => ({
            path: `open[${index}]`,
            protocol: bag(rule)["protocol"],
            ports: { from: Number(bag(rule)["from"]), to: Number(bag(rule)["to"]) },
            networks: texts(bag(rule)["networks"]),
          }))
        : [],
    unprotected: (resources) =>
      resources
        .filter(({ type, props }) => type === tinyTypes.machine && scalar(props["firewall"]) === "")
        .map((resource) => ({ resource, problem: "firewall: got nothing." })),
    tagKeys: ({ type, props }) =>
      type === tinyTypes.machine || type === tinyTypes.volume ? new Set(Object.keys(bag(props["tags"]))) : undefined,
    encryption: ({ type, props }) =>
      type === tinyTypes.volume ? [{ path: "encrypted", value: props["encrypted"], accountDefault: false }] : [],
  },
};
