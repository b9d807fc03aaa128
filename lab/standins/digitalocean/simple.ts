/** Resources that exist at once: VPC, tag and SSH key. */
import { objectAt, valueOf } from "./client.js";
import { digitalocean, rest, whenFree } from "./kind.js";
import { toApi } from "./words.js";

export const vpc = rest(
  { path: "/v2/vpcs", key: "vpc", body: toApi },
  {
    title: "VPC",
    inputs: { name: "update", region: "replace", ipRange: "replace", "description?": "update" },
    computed: ["vpcUrn"],
    outputs: (remote) => ({
      name: valueOf(remote["name"]),
      region: valueOf(remote["region"]),
      ipRange: valueOf(remote["ip_range"]),
      description: valueOf(remote["description"] ?? ""),
      vpcUrn: valueOf(remote["urn"]),
    }),
    converge: async ({ cloud }, id, remote, { name, description }, changed) => {
      if (changed === undefined) return;
      const body = { name, description: description ?? "", default: remote["default"] ?? false };
      await cloud.call("PUT", `/v2/vpcs/${id}`, body);
    },
    // What was in it leaves it a while after it was deleted itself.
    remove: (context, id) => whenFree(context, `VPC ${id}`, `/v2/vpcs/${id}`, 403, 409),
  },
);

export const tag = digitalocean({
  title: "tag",
  inputs: { name: "replace" },
  computed: [],
  create: async ({ cloud }, { name }) =>
    String(objectAt(await cloud.call("POST", "/v2/tags", { name }), "tag")["name"]),
  read: ({ cloud }, id) => cloud.find(`/v2/tags/${encodeURIComponent(id)}`, "tag"),
  outputs: (remote) => ({ name: valueOf(remote["name"]) }),
  remove: async ({ cloud }, id) => void (await cloud.call("DELETE", `/v2/tags/${encodeURIComponent(id)}`)),
});

export const sshKey = rest(
  { path: "/v2/account/keys", key: "ssh_key", body: toApi },
  {
    title: "SSH key",
    inputs: { name: "update", publicKey: "replace" },
    computed: ["fingerprint"],
    // The API gives the key without the newline at its end.
    same: (name, before, after) =>
      name === "publicKey" && typeof before === "string" && typeof after === "string"
        ? before.trim() === after.trim()
        : undefined,
    outputs: (remote) => ({
      name: valueOf(remote["name"]),
      publicKey: valueOf(remote["public_key"]),
      fingerprint: valueOf(remote["fingerprint"]),
    }),
    converge: async ({ cloud }, id, _remote, { name }, changed) => {
      if (changed !== undefined) await cloud.call("PUT", `/v2/account/keys/${id}`, { name });
    },
  },
);
