/** Droplets, and the image of their own. */
import { createHash } from "node:crypto";
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { bags, texts } from "../framework/values.js";
import { type Json, valueOf } from "./client.js";
import { rest, setTags } from "./kind.js";
import { fromApi, toApi } from "./words.js";

export const droplet = rest(
  {
    path: "/v2/droplets",
    key: "droplet",
    body: ({ dropletAgent, image, sshKeys, ...inputs }) => ({
      ...(toApi(inputs) as Json),
      with_droplet_agent: dropletAgent,
      image: numberOrText(String(image)),
      ssh_keys: texts(sshKeys).map(numberOrText),
    }),
  },
  {
    title: "droplet",
    inputs: {
      name: "update",
      image: "replace",
      region: "replace",
      size: "update",
      vpcUuid: "replace",
      "sshKeys?": "replace",
      "tags?": "update",
      "userData?": "replace",
      "monitoring?": "replace",
      "dropletAgent?": "replace",
    },
    computed: ["status", "dropletUrn", "ipv4Address", "ipv4AddressPrivate"],
    seconds: 3600,
    // The state has only the SHA-1 of user data, as with the official provider.
    shown: (inputs) => {
      const data = inputs["userData"];
      return typeof data === "string" ? { ...inputs, userData: createHash("sha1").update(data).digest("hex") } : inputs;
    },
    pending: ({ status }) => (status === "new" ? "new" : undefined),
    outputs: (remote) => ({
      name: valueOf(remote["name"]),
      region: valueOf((remote["region"] as Json | undefined)?.["slug"]),
      size: valueOf(remote["size_slug"]),
      status: valueOf(remote["status"]),
      dropletUrn: `do:droplet:${String(remote["id"])}`,
      vpcUuid: valueOf(remote["vpc_uuid"]),
      ipv4Address: address(remote, "public"),
      ipv4AddressPrivate: address(remote, "private"),
      monitoring: texts(valueOf(remote["features"])).includes("monitoring"),
      tags: valueOf(remote["tags"] ?? []),
    }),
    converge: async (context, id, remote, inputs, changed) => {
      const refused = ["name", "size"].filter((name) => changed?.has(name) === true);
      if (refused.length > 0)
        throw new Error(
          `the lab's stand-in cannot change ${refused.join(" and ")} of a droplet in place; replace the droplet`,
        );
      if (changed?.has("tags") === true)
        await setTags(context, { type: "droplet", id }, texts(valueOf(remote["tags"])), texts(inputs["tags"]));
    },
  },
);

/** Images and keys are named by number, or by a text. */
function numberOrText(key: string): string | number {
  return /^\d+$/.test(key) ? Number(key) : key;
}

function address(remote: Json, type: string): Value {
  const networks = fromApi((remote["networks"] as Json | undefined)?.["v4"]);
  return bags(networks).find((network) => network["type"] === type)?.["ipAddress"] ?? "";
}

export const customImage = rest(
  {
    path: "/v2/images",
    key: "image",
    body: ({ regions, ...inputs }) => ({
      distribution: "Unknown",
      ...(toApi(inputs) as Json),
      region: texts(regions)[0],
    }),
  },
  {
    title: "custom image",
    inputs: { name: "update", url: "replace", regions: "replace", "description?": "update", "tags?": "replace" },
    computed: ["imageId", "status"],
    seconds: 3600,
    pending: (remote) => {
      const status = String(remote["status"]);
      const error = remote["error_message"];
      if (status === "deleted" || (typeof error === "string" && error !== ""))
        throw new Error(`the cloud could not import the image: ${String(error ?? status)}`);
      return status === "available" ? undefined : status;
    },
    outputs: (remote): Properties => ({
      name: valueOf(remote["name"]),
      imageId: valueOf(remote["id"]),
      regions: valueOf(remote["regions"]),
      description: valueOf(remote["description"] ?? ""),
      tags: valueOf(remote["tags"] ?? []),
      status: valueOf(remote["status"]),
    }),
    converge: async ({ cloud }, id, remote, { name, description }, changed) => {
      if (changed === undefined) return;
      const body = { name, description: description ?? "", distribution: remote["distribution"] };
      await cloud.call("PUT", `/v2/images/${id}`, body);
    },
  },
);
