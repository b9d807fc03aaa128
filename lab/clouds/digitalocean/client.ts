/** The little of DigitalOcean's API that the lab's own commands need: lists, removals, power. */
import type { LabConfig } from "../../config.js";
import { until } from "../../process/until.js";
import type { CloudClient, CloudMachine, CloudResource, PowerAction, ResourceKind } from "../cloud.js";

/** Kind to its path and to the key of its list; what is not here DigitalOcean does not have. */
const paths: Readonly<Partial<Record<ResourceKind, { readonly path: string; readonly key: string }>>> = {
  machines: { path: "/v2/droplets", key: "droplets" },
  vpcs: { path: "/v2/vpcs", key: "vpcs" },
  firewalls: { path: "/v2/firewalls", key: "firewalls" },
  volumes: { path: "/v2/volumes", key: "volumes" },
  load_balancers: { path: "/v2/load_balancers", key: "load_balancers" },
  ssh_keys: { path: "/v2/account/keys", key: "ssh_keys" },
  images: { path: "/v2/images?private=true", key: "images" },
};

export class DigitalOceanClient implements CloudClient {
  constructor(private readonly config: LabConfig) {}

  async list(kind: ResourceKind): Promise<CloudResource[]> {
    return (await this.listRaw(kind)).map((item) => ({ id: String(item["id"]), name: String(item["name"]) }));
  }

  async machines(): Promise<CloudMachine[]> {
    return (await this.listRaw("machines")).map((item) => {
      const status = String(item["status"]);
      return {
        id: String(item["id"]),
        name: String(item["name"]),
        number: Number(item["id"]),
        status,
        on: status !== "off",
        publicAddress: publicAddressOf(item),
      };
    });
  }

  async publicBalancer(port: number): Promise<CloudResource | undefined> {
    // Services have load balancers too.
    const forwards = (item: Record<string, unknown>): boolean =>
      (item["forwarding_rules"] as { entry_port: number }[]).some(({ entry_port }) => entry_port === port);
    const found = (await this.listRaw("load_balancers")).find(
      (item) => item["network"] === "EXTERNAL" && forwards(item),
    );
    return found && { id: String(found["id"]), name: String(found["name"]) };
  }

  /** As `list`, with every field that the API gives, over all pages. */
  private async listRaw(kind: ResourceKind): Promise<Record<string, unknown>[]> {
    const place = paths[kind];
    if (!place) return [];
    const { path, key } = place;
    const found: Record<string, unknown>[] = [];
    for (let page = 1; ; page++) {
      const answer = await this.call("GET", `${path}${path.includes("?") ? "&" : "?"}per_page=200&page=${page}`);
      const items = (answer[key] ?? []) as Record<string, unknown>[];
      found.push(...items);
      const links = answer["links"] as { pages?: { next?: string } } | undefined;
      if (items.length === 0 || !links?.pages?.next) return found;
    }
  }

  async remove(kind: ResourceKind, id: string): Promise<void> {
    const path = (paths[kind]?.path ?? "").split("?")[0] ?? "";
    await this.call("DELETE", `${path}/${id}`, [404]);
  }

  async act(droplet: string, type: PowerAction): Promise<void> {
    const started = await this.call("POST", `/v2/droplets/${droplet}/actions`, [], { type });
    const { id } = started["action"] as { readonly id: number };
    await until(`${type} of droplet ${droplet}`, { timeout: 60_000, pause: 200 }, async () => {
      const { status } = (await this.call("GET", `/v2/actions/${id}`))["action"] as { readonly status: string };
      if (status !== "completed") throw new Error(`the action is ${status}`);
    });
  }

  /** One request; `accepted` are error codes that count as success. */
  private async call(
    method: string,
    path: string,
    accepted: readonly number[] = [],
    input?: object,
  ): Promise<Record<string, unknown>> {
    const url = new URL(path, this.config.apiUrl);
    const response = await fetch(url, {
      method,
      signal: AbortSignal.timeout(30_000),
      headers: { authorization: `Bearer ${this.config.token}`, "content-type": "application/json" },
      ...(input === undefined ? {} : { body: JSON.stringify(input) }),
    }).catch((error: Error) => {
      const cause = error.cause instanceof Error ? error.cause : error;
      throw new Error(`${method} ${url.href}: ${cause.message}; "make status" shows whether the lab runs`, { cause });
    });
    const body = await response.text();
    if (!response.ok && !accepted.includes(response.status))
      throw new Error(`${method} ${url.href}: ${response.status} ${body.slice(0, 300)}`);
    return body && response.ok ? (JSON.parse(body) as Record<string, unknown>) : {};
  }
}

function publicAddressOf(droplet: Record<string, unknown>): string {
  const { v4 } = droplet["networks"] as {
    readonly v4: readonly { readonly type: string; readonly ip_address: string }[];
  };
  return v4.find(({ type }) => type === "public")?.ip_address ?? "";
}
