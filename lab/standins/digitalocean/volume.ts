import { randomUUID } from "node:crypto";
import { isList } from "../framework/inputs.js";
import type { CheckOperation, Operation, Properties, State, Value } from "../framework/kind.js";
import { act, setTags } from "./actions.js";
import { isStatus, type Json, objectAt, valueOf } from "./client.js";
import { CloudKind } from "./cloudKind.js";
import type { Deadline } from "../framework/waiting.js";
import { toApi } from "./words.js";

const renames = {
  size: "size_gigabytes",
  initialFilesystemType: "filesystem_type",
  initialFilesystemLabel: "filesystem_label",
};

export class Volume extends CloudKind {
  protected readonly title = "volume";
  protected readonly key = "volume";
  protected readonly replaces = new Set([
    "region",
    "name",
    "description",
    "snapshotId",
    "filesystemType",
    "initialFilesystemType",
    "initialFilesystemLabel",
  ]);
  protected readonly inputs = ["name", "region", "size", "description", "tags"];
  protected readonly computed = ["volumeUrn", "dropletIds", "filesystemLabel"];

  protected path(id: string): string {
    return `/v2/volumes/${encodeURIComponent(id)}`;
  }

  /** Lower case letters, digits and dashes, at most 64: the API takes nothing else. */
  protected override nameOf(operation: CheckOperation): string {
    return super.nameOf({ ...operation, name: operation.name.toLowerCase().slice(0, 56) });
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Json> {
    return objectAt(await this.cloud().call("POST", "/v2/volumes", operation.signal, toApi(inputs, renames)), "volume");
  }

  protected outputs(remote: Json, inputs: Properties): Properties {
    return {
      name: valueOf(remote["name"]),
      region: valueOf((remote["region"] as Json | undefined)?.["slug"]),
      size: valueOf(remote["size_gigabytes"]),
      description: valueOf(remote["description"] ?? ""),
      filesystemType: valueOf(remote["filesystem_type"] ?? ""),
      filesystemLabel: valueOf(remote["filesystem_label"] ?? ""),
      dropletIds: valueOf(remote["droplet_ids"] ?? []),
      tags: valueOf(remote["tags"] ?? []),
      volumeUrn: `do:volume:${String(remote["id"])}`,
      initialFilesystemType: inputs["initialFilesystemType"] ?? null,
      initialFilesystemLabel: inputs["initialFilesystemLabel"] ?? null,
      snapshotId: inputs["snapshotId"] ?? null,
    };
  }

  protected async change(
    deadline: Deadline,
    state: State,
    inputs: Properties,
    changed: ReadonlySet<string>,
  ): Promise<void> {
    if (changed.has("size")) {
      const [before, after] = [Number(state.inputs["size"]), Number(inputs["size"])];
      if (after < before)
        throw new Error(
          `size: it is ${before} GB and cannot shrink to ${after} GB; make a new volume and copy what it holds`,
        );
      await act(this.cloud(), deadline, `${this.path(state.id)}/actions`, {
        type: "resize",
        size_gigabytes: after,
        region: inputs["region"],
      });
    }
    if (changed.has("tags")) {
      const now = await this.get(deadline.operation, state.id);
      await setTags(
        this.cloud(),
        deadline,
        { type: "volume", id: state.id },
        names(valueOf(now["tags"])),
        names(inputs["tags"]),
      );
    }
  }

  /** A volume that is being detached cannot go yet. */
  protected override async remove(deadline: Deadline, state: State): Promise<void> {
    await deadline.until(`volume ${state.id} to be free`, async (seen) => {
      try {
        await super.remove(deadline, state);
        return true;
      } catch (error) {
        if (!isStatus(error, 409)) throw error;
        seen(error.text);
        return undefined;
      }
    });
  }
}

export class VolumeAttachment extends CloudKind {
  protected readonly title = "volume attachment";
  protected readonly key = "volume";
  protected readonly replaces = new Set(["dropletId", "volumeId"]);
  protected readonly inputs = ["dropletId", "volumeId"];
  protected readonly computed = [];
  protected override readonly named = false;

  /** The volume's: `<droplet>-<volume's UUID>-<unique>`. */
  protected path(id: string): string {
    return `/v2/volumes/${partsOf(id).volume}`;
  }

  protected override idOf(remote: Json): string {
    return String(remote["attachment"]);
  }

  protected async make(_operation: Operation, inputs: Properties): Promise<Json> {
    return {
      attachment: `${String(inputs["dropletId"])}-${String(inputs["volumeId"])}-${randomUUID().replaceAll("-", "")}`,
    };
  }

  protected override async ready(deadline: Deadline, id: string, remote: Json): Promise<Json> {
    const { droplet, volume } = partsOf(id);
    const now = await this.cloud().find(this.path(id), "volume", deadline.operation.signal);
    if (now === undefined) throw new Error(`volume ${volume} is not there`);
    const attached = numbers(now["droplet_ids"]);
    if (attached.includes(droplet)) return remote;
    await act(this.cloud(), deadline, `${this.path(id)}/actions`, { type: "attach", droplet_id: droplet });
    return remote;
  }

  protected override async look(operation: Operation, id: string): Promise<Json | undefined> {
    const volume = await super.look(operation, id);
    return volume !== undefined && numbers(volume["droplet_ids"]).includes(partsOf(id).droplet)
      ? { attachment: id }
      : undefined;
  }

  protected outputs(remote: Json): Properties {
    const { droplet, volume } = partsOf(this.idOf(remote));
    return { dropletId: droplet, volumeId: volume };
  }

  protected async change(): Promise<void> {
    // Both inputs make a new one.
  }

  protected override async remove(deadline: Deadline, state: State): Promise<void> {
    if ((await this.look(deadline.operation, state.id)) === undefined) return;
    try {
      await act(this.cloud(), deadline, `${this.path(state.id)}/actions`, {
        type: "detach",
        droplet_id: partsOf(state.id).droplet,
      });
    } catch (error) {
      if (!isStatus(error, 422) || (await this.look(deadline.operation, state.id)) !== undefined) throw error;
    }
  }
}

function partsOf(id: string): { droplet: number; volume: string } {
  const match = /^(\d+)-([0-9a-f-]{36})(?:-|$)/.exec(id);
  if (match?.[1] === undefined || match[2] === undefined)
    throw new Error(`"${id}" is no attachment; it must be <droplet's number>-<volume's UUID>`);
  return { droplet: Number(match[1]), volume: match[2] };
}

function numbers(value: unknown): number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}

function names(value: Value | undefined): string[] {
  return isList(value) ? value.map(String) : [];
}
