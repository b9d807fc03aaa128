/** The little of the lab's cloud API that the commands themselves need: lists, removals, power. */
import { request } from "node:http";
import type { LabConfig } from "../config.js";
import { eventually } from "./process.js";

export interface CloudResource {
  readonly id: string;
  readonly name: string;
}

/** A client of the lab's API; speaks DigitalOcean's public interface. */
export class LabCloud {
  /** Kind to its path and to the key of its list. */
  readonly paths = {
    droplets: { path: "/v2/droplets", key: "droplets" },
    vpcs: { path: "/v2/vpcs", key: "vpcs" },
    firewalls: { path: "/v2/firewalls", key: "firewalls" },
    volumes: { path: "/v2/volumes", key: "volumes" },
    load_balancers: { path: "/v2/load_balancers", key: "load_balancers" },
    ssh_keys: { path: "/v2/account/keys", key: "ssh_keys" },
    images: { path: "/v2/images?private=true", key: "images" },
  } as const;

  constructor(private readonly config: LabConfig) {}

  /** All resources of a kind, over all pages. */
  async list(kind: keyof LabCloud["paths"]): Promise<CloudResource[]> {
    return (await this.listRaw(kind)).map((item) => ({ id: String(item["id"]), name: String(item["name"]) }));
  }

  /** As `list`, with every field that the API gives. */
  async listRaw(kind: keyof LabCloud["paths"]): Promise<Record<string, unknown>[]> {
    const { path, key } = this.paths[kind];
    const found: Record<string, unknown>[] = [];
    for (let page = 1; ; page++) {
      const answer = await this.call("GET", `${path}${path.includes("?") ? "&" : "?"}per_page=200&page=${page}`);
      const items = (answer[key] ?? []) as Record<string, unknown>[];
      found.push(...items);
      const links = answer["links"] as { pages?: { next?: string } } | undefined;
      if (items.length === 0 || !links?.pages?.next) return found;
    }
  }

  /** Removes one; one that is gone already is no error. */
  async remove(kind: keyof LabCloud["paths"], id: string): Promise<void> {
    const path = this.paths[kind].path.split("?")[0] ?? "";
    await this.call("DELETE", `${path}/${id}`, [404]);
  }

  /**
   * Does something to a droplet and waits until it is done.
   * @throws Error when the cloud refuses, or when it is not done within a minute.
   */
  async act(droplet: string, type: "power_on" | "power_off" | "shutdown" | "reboot" | "power_cycle"): Promise<void> {
    const path = `/v2/droplets/${droplet}/actions`;
    const started = await this.call("POST", path, [], { type });
    const { id } = started["action"] as { readonly id: number };
    await eventually(`${type} of droplet ${droplet}`, 60, async () => {
      const { status } = (await this.call("GET", `${path}/${id}`))["action"] as { readonly status: string };
      if (status !== "completed") throw new Error(`the action is ${status}`);
    }, 0.2);
  }

  /** One request; `accepted` are error codes that count as success. */
  private call(method: string, path: string, accepted: readonly number[] = [], input?: object): Promise<Record<string, unknown>> {
    const url = new URL(path, this.config.apiUrl);
    const text = input === undefined ? undefined : JSON.stringify(input);
    const headers = { authorization: `Bearer ${this.config.token}`, ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }) };
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, timeout: 30_000, headers }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => { body += chunk; });
        response.on("end", () => {
          const code = response.statusCode ?? 0;
          if (code >= 400 && !accepted.includes(code)) reject(new Error(`${method} ${url.href}: ${code} ${body.slice(0, 300)}`));
          else resolve(body && code < 400 ? (JSON.parse(body) as Record<string, unknown>) : {});
        });
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer within 30 s")));
      sent.on("error", (error) => reject(new Error(`${method} ${url.href}: ${error.message}; "make status" tells whether the lab runs`)));
      sent.end(text);
    });
  }
}
