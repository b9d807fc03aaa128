import { createHash } from "node:crypto";
import { isList, isObject } from "../framework/inputs.js";
import type { Failure, Operation, Properties, State, Value } from "../framework/kind.js";
import { act, setTags } from "./actions.js";
import { type Json, objectAt, valueOf } from "./client.js";
import { CloudKind } from "./cloudKind.js";
import type { Deadline } from "../framework/waiting.js";
import { fromApi, toApi } from "./words.js";

const renames = { dropletAgent: "with_droplet_agent", volumeIds: "volumes" };

export class Droplet extends CloudKind {
  protected readonly title = "droplet";
  protected readonly key = "droplet";
  protected readonly replaces = new Set([
    "image",
    "region",
    "sshKeys",
    "userData",
    "monitoring",
    "dropletAgent",
    "vpcUuid",
    "publicNetworking",
    "gpuPartitionMode",
  ]);
  protected readonly inputs = [
    "name",
    "image",
    "region",
    "size",
    "backups",
    "ipv6",
    "monitoring",
    "tags",
    "vpcUuid",
    "volumeIds",
    "resizeDisk",
  ];
  protected readonly computed = [
    ...[
      "region",
      "createdAt",
      "dropletUrn",
      "disk",
      "vcpus",
      "memory",
      "priceHourly",
      "priceMonthly",
      "status",
      "locked",
      "ipv4Address",
    ],
    ...["ipv4AddressPrivate", "ipv6Address", "privateNetworking", "vpcUuid", "volumeIds"],
  ];
  protected override readonly times = { create: 3600, update: 3600, delete: 300 };

  protected path(id: string): string {
    return `/v2/droplets/${id}`;
  }

  protected override problems(inputs: Properties): Failure[] {
    if (inputs["backupPolicy"] !== undefined && inputs["backups"] === false) {
      return [{ property: "backupPolicy", reason: "backupPolicy can only be set when backups is true" }];
    }
    return [];
  }

  protected override complete(inputs: Properties): Properties {
    return {
      backups: false,
      gracefulShutdown: false,
      ipv6: false,
      monitoring: false,
      resizeDisk: true,
      ...inputs,
      ...hashed(inputs),
    };
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Json> {
    const { resizeDisk: _resize, gracefulShutdown: _graceful, ipv6Address: _address, ...asked } = inputs;
    const image = String(inputs["image"]);
    const body = {
      ...(toApi(asked, renames) as Json),
      image: /^\d+$/.test(image) ? Number(image) : image,
      ssh_keys: list(inputs["sshKeys"]).map(keyReference),
    };
    return objectAt(await this.cloud().call("POST", "/v2/droplets", operation.signal, body), "droplet");
  }

  protected override async ready(deadline: Deadline, id: string, remote: Json): Promise<Json> {
    if (remote["status"] !== "new") return remote;
    return deadline.until(`droplet ${id} to be active`, async (seen) => {
      const now = await this.get(deadline.operation, id);
      seen(String(now["status"]));
      return now["status"] === "new" ? undefined : now;
    });
  }

  protected outputs(remote: Json, inputs: Properties): Properties {
    const size = remote["size"] as Json | undefined;
    const region = remote["region"] as Json | undefined;
    const image = remote["image"] as Json | undefined;
    const features = list(valueOf(remote["features"]));
    return {
      ...this.complete({}),
      ...Object.fromEntries(Object.entries(inputs).filter(([key]) => !key.startsWith("__"))),
      ...hashed(inputs),
      // A slug may come to mean a newer image: what was asked for stays.
      image: inputs["image"] ?? valueOf(image?.["slug"] ?? String(image?.["id"])),
      name: valueOf(remote["name"]),
      region: valueOf(region?.["slug"]),
      size: valueOf(remote["size_slug"] ?? size?.["slug"]),
      priceHourly: valueOf(size?.["price_hourly"]),
      priceMonthly: valueOf(size?.["price_monthly"]),
      disk: valueOf(remote["disk"]),
      vcpus: valueOf(remote["vcpus"]),
      memory: valueOf(remote["memory"]),
      status: valueOf(remote["status"]),
      locked: valueOf(remote["locked"]),
      createdAt: valueOf(remote["created_at"]),
      dropletUrn: `do:droplet:${String(remote["id"])}`,
      vpcUuid: valueOf(remote["vpc_uuid"]),
      ipv4Address: address(remote, "v4", "public"),
      ipv4AddressPrivate: address(remote, "v4", "private"),
      ipv6Address: address(remote, "v6", "public"),
      backups: features.includes("backups"),
      ipv6: features.includes("ipv6"),
      monitoring: features.includes("monitoring"),
      privateNetworking: features.includes("private_networking"),
      volumeIds: valueOf(remote["volume_ids"] ?? []),
      tags: valueOf(remote["tags"] ?? []),
    };
  }

  /** Volumes that are attached elsewhere in the program are no drift of an input that was not given; nor is the hash of user data. */
  protected override drift(name: string, asked: Value, actual: Value | undefined): Value {
    return name === "userData" || name === "sshKeys" || name === "privateNetworking"
      ? asked
      : super.drift(name, asked, actual);
  }

  protected override replacesOn(property: string, state: State, inputs: Properties): boolean {
    return property === "ipv6" && state.inputs["ipv6"] === true && inputs["ipv6"] !== true;
  }

  protected async change(
    deadline: Deadline,
    state: State,
    inputs: Properties,
    changed: ReadonlySet<string>,
  ): Promise<void> {
    const client = this.cloud();
    const actions = `${this.path(state.id)}/actions`;
    if (changed.has("size")) await this.resize(deadline, state.id, inputs);
    if (changed.has("name")) await act(client, deadline, actions, { type: "rename", name: inputs["name"] });
    if (changed.has("backups")) {
      const policy = inputs["backupPolicy"] === undefined ? {} : { backup_policy: toApi(inputs["backupPolicy"]) };
      await act(
        client,
        deadline,
        actions,
        inputs["backups"] === true ? { type: "enable_backups", ...policy } : { type: "disable_backups" },
      );
    } else if (changed.has("backupPolicy") && inputs["backupPolicy"] !== undefined) {
      await act(client, deadline, actions, {
        type: "change_backup_policy",
        backup_policy: toApi(inputs["backupPolicy"]),
      });
    }
    if (changed.has("ipv6")) await act(client, deadline, actions, { type: "enable_ipv6" });
    if (changed.has("tags")) {
      const now = await this.get(deadline.operation, state.id);
      await setTags(
        client,
        deadline,
        { type: "droplet", id: state.id },
        list(valueOf(now["tags"])),
        list(inputs["tags"]),
      );
    }
    if (changed.has("volumeIds")) {
      const now = list(valueOf((await this.get(deadline.operation, state.id))["volume_ids"]));
      const wanted = list(inputs["volumeIds"]);
      const move = (volume: string, type: string): Promise<void> =>
        act(client, deadline, `/v2/volumes/${volume}/actions`, { type, droplet_id: Number(state.id) });
      for (const volume of now.filter((id) => !wanted.includes(id))) await move(volume, "detach");
      for (const volume of wanted.filter((id) => !now.includes(id))) await move(volume, "attach");
    }
  }

  private async resize(deadline: Deadline, id: string, inputs: Properties): Promise<void> {
    const client = this.cloud();
    const actions = `${this.path(id)}/actions`;
    if ((await this.get(deadline.operation, id))["status"] !== "off")
      await act(client, deadline, actions, { type: "power_off" });
    try {
      await act(client, deadline, actions, {
        type: "resize",
        size: inputs["size"],
        disk: inputs["resizeDisk"] !== false,
      });
    } finally {
      await act(client, deadline, actions, { type: "power_on" });
    }
  }

  protected override async remove(deadline: Deadline, state: State): Promise<void> {
    const client = this.cloud();
    const remote = await this.look(deadline.operation, state.id);
    if (remote === undefined) return;
    if (state.inputs["gracefulShutdown"] === true && remote["status"] === "active") {
      await act(client, deadline, `${this.path(state.id)}/actions`, { type: "shutdown" });
    }
    await client.call("DELETE", this.path(state.id), deadline.operation.signal);
  }
}

/** The state holds user data's SHA-1 only, like the official provider's. */
function hashed(inputs: Properties): Properties {
  const data = inputs["userData"];
  return typeof data === "string" ? { userData: createHash("sha1").update(data).digest("hex") } : {};
}

/** Keys are named by number or by fingerprint. */
function keyReference(key: string): string | number {
  return /^\d+$/.test(key) ? Number(key) : key;
}

function list(value: Value | undefined): string[] {
  return isList(value) ? value.map(String) : [];
}

function address(remote: Json, family: "v4" | "v6", type: string): string {
  const networks = fromApi(remote["networks"]);
  const all = isObject(networks) ? networks[family] : undefined;
  const found = isList(all) ? all.find((network) => isObject(network) && network["type"] === type) : undefined;
  return isObject(found) ? String(found["ipAddress"]).toLowerCase() : "";
}
