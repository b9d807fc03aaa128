import type { Operation, Properties, State } from "../framework/kind.js";
import { type Json, objectAt, valueOf } from "./client.js";
import { CloudKind } from "./cloudKind.js";
import type { Deadline } from "../framework/waiting.js";
import { toApi } from "./words.js";

export class CustomImage extends CloudKind {
  protected readonly title = "custom image";
  protected readonly key = "image";
  protected readonly replaces = new Set(["url", "regions", "tags"]);
  protected readonly inputs = ["name", "regions", "description", "distribution", "tags"];
  protected readonly computed = [
    "imageId",
    "type",
    "slug",
    "public",
    "minDiskSize",
    "sizeGigabytes",
    "createdAt",
    "status",
  ];
  protected override readonly times = { create: 3600, update: 300, delete: 300 };

  protected path(id: string): string {
    return `/v2/images/${id}`;
  }

  protected override complete(inputs: Properties): Properties {
    return { distribution: "Unknown", ...inputs };
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Json> {
    const { regions, ...asked } = inputs;
    const [region] = Array.isArray(regions) ? (regions as string[]) : [];
    const body = { distribution: "Unknown", ...(toApi(asked) as Json), region };
    return objectAt(await this.cloud().call("POST", "/v2/images", operation.signal, body), "image");
  }

  protected override async ready(deadline: Deadline, id: string, remote: Json): Promise<Json> {
    if (remote["status"] === "available") return remote;
    return deadline.until(`image ${id} to be imported`, async (seen) => {
      const now = await this.get(deadline.operation, id);
      const status = String(now["status"]);
      if (status === "deleted" || (typeof now["error_message"] === "string" && now["error_message"] !== "")) {
        throw new Error(`the cloud could not import the image: ${String(now["error_message"] ?? status)}`);
      }
      seen(status);
      return status === "available" ? now : undefined;
    });
  }

  protected outputs(remote: Json, inputs: Properties): Properties {
    return {
      url: inputs["url"] ?? null,
      name: valueOf(remote["name"]),
      imageId: valueOf(remote["id"]),
      type: valueOf(remote["type"]),
      slug: valueOf(remote["slug"] ?? ""),
      public: valueOf(remote["public"]),
      regions: valueOf(remote["regions"]),
      minDiskSize: valueOf(remote["min_disk_size"]),
      sizeGigabytes: valueOf(remote["size_gigabytes"]),
      createdAt: valueOf(remote["created_at"]),
      description: valueOf(remote["description"] ?? ""),
      distribution: valueOf(remote["distribution"]),
      tags: valueOf(remote["tags"] ?? []),
      status: valueOf(remote["status"]),
    };
  }

  protected async change(deadline: Deadline, state: State, inputs: Properties): Promise<void> {
    const body = {
      name: inputs["name"],
      description: inputs["description"] ?? "",
      distribution: inputs["distribution"] ?? "Unknown",
    };
    await this.cloud().call("PUT", this.path(state.id), deadline.operation.signal, body);
  }
}
