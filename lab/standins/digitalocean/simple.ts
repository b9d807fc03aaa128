/** Resources that are there at once: VPC, tag and SSH key. */
import type { Operation, Properties, State } from "../framework/kind.js";
import { isStatus, type Json, objectAt, valueOf } from "./client.js";
import { CloudKind } from "./cloudKind.js";
import type { Deadline } from "../framework/waiting.js";
import { fromApi, toApi } from "./words.js";
import { isObject } from "../framework/inputs.js";

export class Vpc extends CloudKind {
  protected readonly title = "VPC";
  protected readonly key = "vpc";
  protected readonly replaces = new Set(["region", "ipRange"]);
  protected readonly inputs = ["name", "region", "ipRange", "description"];
  protected readonly computed = ["ipRange", "createdAt", "default", "vpcUrn"];

  protected path(id: string): string {
    return `/v2/vpcs/${encodeURIComponent(id)}`;
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Json> {
    return objectAt(await this.cloud().call("POST", "/v2/vpcs", operation.signal, toApi(inputs)), "vpc");
  }

  protected outputs(remote: Json): Properties {
    return {
      name: valueOf(remote["name"]),
      region: valueOf(remote["region"]),
      ipRange: valueOf(remote["ip_range"]),
      description: valueOf(remote["description"] ?? ""),
      createdAt: valueOf(remote["created_at"]),
      default: valueOf(remote["default"]),
      vpcUrn: valueOf(remote["urn"]),
    };
  }

  protected async change(deadline: Deadline, state: State, inputs: Properties): Promise<void> {
    const body = {
      name: inputs["name"],
      description: inputs["description"] ?? "",
      default: state.outputs["default"] ?? false,
    };
    await this.cloud().call("PUT", this.path(state.id), deadline.operation.signal, body);
  }

  /** What was in it leaves it a while after it was deleted itself. */
  protected override async remove(deadline: Deadline, state: State): Promise<void> {
    await deadline.until(`VPC ${state.id} to be empty`, async (seen) => {
      try {
        await super.remove(deadline, state);
        return true;
      } catch (error) {
        if (!isStatus(error, 403, 409)) throw error;
        seen(error.text);
        return undefined;
      }
    });
  }
}

export class Tag extends CloudKind {
  protected readonly title = "tag";
  protected readonly key = "tag";
  protected readonly replaces = new Set(["name"]);
  protected readonly inputs = ["name"];
  protected readonly computed = [
    "dropletsCount",
    "imagesCount",
    "volumesCount",
    "volumeSnapshotsCount",
    "databasesCount",
    "totalResourceCount",
  ];

  protected path(id: string): string {
    return `/v2/tags/${encodeURIComponent(id)}`;
  }

  protected override idOf(remote: Json): string {
    return String(remote["name"]);
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Json> {
    return objectAt(await this.cloud().call("POST", "/v2/tags", operation.signal, { name: inputs["name"] }), "tag");
  }

  protected outputs(remote: Json): Properties {
    const resources = fromApi(remote["resources"]);
    const count = (name: string): number => {
      const part = name === "" ? resources : isObject(resources) ? resources[name] : undefined;
      return isObject(part) && typeof part["count"] === "number" ? part["count"] : 0;
    };
    return {
      name: valueOf(remote["name"]),
      dropletsCount: count("droplets"),
      imagesCount: count("images"),
      volumesCount: count("volumes"),
      volumeSnapshotsCount: count("volumeSnapshots"),
      databasesCount: count("databases"),
      totalResourceCount: count(""),
    };
  }

  protected async change(): Promise<void> {
    // Its name is all that it has.
  }
}

export class SshKey extends CloudKind {
  protected readonly title = "SSH key";
  protected readonly key = "ssh_key";
  protected readonly replaces = new Set(["publicKey"]);
  protected readonly inputs = ["name", "publicKey"];
  protected readonly computed = ["fingerprint"];

  protected path(id: string): string {
    return `/v2/account/keys/${encodeURIComponent(id)}`;
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Json> {
    return objectAt(await this.cloud().call("POST", "/v2/account/keys", operation.signal, toApi(inputs)), "ssh_key");
  }

  protected outputs(remote: Json): Properties {
    return {
      name: valueOf(remote["name"]),
      publicKey: valueOf(remote["public_key"]),
      fingerprint: valueOf(remote["fingerprint"]),
    };
  }

  /** The API gives the key without the newline at its end. */
  protected override same(
    property: string,
    before: Properties[string] | undefined,
    after: Properties[string] | undefined,
  ): boolean {
    if (property === "publicKey" && typeof before === "string" && typeof after === "string")
      return before.trim() === after.trim();
    return super.same(property, before, after);
  }

  protected async change(deadline: Deadline, state: State, inputs: Properties): Promise<void> {
    await this.cloud().call("PUT", this.path(state.id), deadline.operation.signal, { name: inputs["name"] });
  }
}
