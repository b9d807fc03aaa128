/** Volumes and their attachments to droplets. */
import { randomUUID } from "node:crypto";
import type { Properties } from "../../../provider/rpc/properties.js";
import { texts } from "../framework/values.js";
import { isStatus, type Json, valueOf } from "./client.js";
import { act, digitalocean, type DoContext, rest, setTags, whenFree } from "./kind.js";
import { toApi } from "./words.js";

export const volume = rest(
  { path: "/v2/volumes", key: "volume", body: (inputs) => toApi(inputs, { size: "size_gigabytes" }) },
  {
    title: "volume",
    inputs: { name: "replace", region: "replace", size: "update", "description?": "replace", "tags?": "update" },
    computed: ["volumeUrn"],
    outputs: (remote) => ({
      name: valueOf(remote["name"]),
      region: valueOf((remote["region"] as Json | undefined)?.["slug"]),
      size: valueOf(remote["size_gigabytes"]),
      description: valueOf(remote["description"] ?? ""),
      tags: valueOf(remote["tags"] ?? []),
      volumeUrn: `do:volume:${String(remote["id"])}`,
    }),
    converge: async (context, id, remote, inputs, changed) => {
      const [before, after] = [Number(remote["size_gigabytes"]), Number(inputs["size"])];
      if (after < before)
        throw new Error(
          `size: it is ${before} GB and cannot shrink to ${after} GB; create another volume and copy its data`,
        );
      if (after > before)
        await act(context, `/v2/volumes/${id}/actions`, {
          type: "resize",
          size_gigabytes: after,
          region: inputs["region"],
        });
      if (changed?.has("tags") === true)
        await setTags(context, { type: "volume", id }, texts(valueOf(remote["tags"])), texts(inputs["tags"]));
    },
    // A volume that is being detached cannot be deleted yet.
    remove: (context, id) => whenFree(context, `volume ${id}`, `/v2/volumes/${id}`, 409),
  },
);

async function isAttached({ cloud }: DoContext, { dropletId, volumeId }: Properties): Promise<boolean> {
  const found = await cloud.find(`/v2/volumes/${String(volumeId)}`, "volume");
  return ((found["droplet_ids"] ?? []) as unknown[]).map(Number).includes(Number(dropletId));
}

const move = (context: DoContext, type: "attach" | "detach", { dropletId, volumeId }: Properties): Promise<void> =>
  act(context, `/v2/volumes/${String(volumeId)}/actions`, { type, droplet_id: Number(dropletId) });

export const volumeAttachment = digitalocean({
  title: "volume attachment",
  inputs: { dropletId: "replace", volumeId: "replace" },
  computed: [],
  create: async (context, inputs) => {
    if (!(await isAttached(context, inputs))) await move(context, "attach", inputs);
    return `${String(inputs["dropletId"])}-${String(inputs["volumeId"])}-${randomUUID().replaceAll("-", "")}`;
  },
  read: async (context, _id, inputs) => ((await isAttached(context, inputs)) ? true : undefined),
  outputs: () => ({}),
  remove: async (context, _id, inputs) => {
    if (!(await isAttached(context, inputs))) return;
    try {
      await move(context, "detach", inputs);
    } catch (error) {
      if (!isStatus(error, 422) || (await isAttached(context, inputs))) throw error;
    }
  },
});
