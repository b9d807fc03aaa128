/** An API under test: fake machines, a state file of its own, no waiting. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Api, type ApiOptions, createApi } from "../../../../lab/clouds/digitalocean/api.js";
import { type LabConfig, labConfig } from "../../../../lab/config.js";
import { FakeDriver } from "../../../support/fakeDriver.js";

/** Addresses that the tests may write down, whatever those of a real region are. */
export const config: LabConfig = {
  ...labConfig({ COREKUBE_LAB: "test" }),
  publicCidr: "198.51.100.0/24",
  gateway: "198.51.100.1",
  apiUrl: "http://198.51.100.1:8080",
};

/** An ED25519 key; its MD5 fingerprint as `ssh-keygen -l -E md5` prints it. */
export const publicKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f test@example.com";

export type Json = Record<string, unknown>;

/** What an answer has at a path such as "droplet.networks.v4.0.type". @throws when it has nothing there. */
export function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((inner, key) => {
    const next = typeof inner === "object" && inner !== null ? (inner as Json)[key] : undefined;
    assert.notEqual(next, undefined, `no ${path} in ${JSON.stringify(value)}`);
    return next;
  }, value);
}

export const textAt = (value: unknown, path: string): string => String(at(value, path));
export const listAt = (value: unknown, path: string): Json[] => at(value, path) as Json[];

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Json;
}

export interface Droplet {
  readonly id: number;
  readonly url: string;
  readonly public: string;
  readonly private: string;
}

export class TestApi {
  readonly errors: string[] = [];
  driver = new FakeDriver();
  api!: Api;
  private readonly directory = mkdtempSync(join(tmpdir(), "corekube-api-"));
  readonly stateFile = join(this.directory, "state.json");

  constructor(private readonly options: Partial<ApiOptions> = {}) {}

  async start(): Promise<this> {
    this.api = await createApi({
      driver: this.driver,
      stateFile: this.stateFile,
      config,
      logger: { info: () => undefined, error: (line) => this.errors.push(line) },
      rateLimit: { hourly: 100_000, burst: 100_000 },
      delays: { image: 5, loadBalancer: 5 },
      ...this.options,
    });
    return this;
  }

  /** A new process on the same state file. */
  async restart(driver = new FakeDriver()): Promise<void> {
    await this.api.app.close();
    this.driver = driver;
    await this.start();
    await this.settled();
  }

  async stop(): Promise<void> {
    await this.api.app.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async request(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    url: string,
    payload?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await this.api.app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${config.token}`, "content-type": "application/json", ...headers },
      ...(payload === undefined ? {} : { payload: typeof payload === "string" ? payload : JSON.stringify(payload) }),
    });
    return {
      status: response.statusCode,
      headers: response.headers as Record<string, string | undefined>,
      body: response.body === "" ? {} : (JSON.parse(response.body) as Json),
    };
  }

  /** A request that must succeed. @returns its body. */
  async call(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", url: string, payload?: unknown): Promise<Json> {
    const answer = await this.request(method, url, payload);
    assert.ok(answer.status < 300, `${method} ${url}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  get = (url: string) => this.call("GET", url);
  post = (url: string, payload?: unknown) => this.call("POST", url, payload);
  put = (url: string, payload?: unknown) => this.call("PUT", url, payload);
  delete = (url: string, payload?: unknown) => this.call("DELETE", url, payload);

  /** A droplet that is active. */
  async droplet(fields: Json = {}): Promise<Droplet> {
    const created = await this.post("/v2/droplets", { ...dropletFields, ...fields });
    await this.api.idle();
    const { droplet } = await this.get(`/v2/droplets/${textAt(created, "droplet.id")}`);
    const address = (type: string): string =>
      textAt(
        listAt(droplet, "networks.v4").find((network) => network["type"] === type),
        "ip_address",
      );
    return {
      id: Number(at(droplet, "id")),
      url: `/v2/droplets/${textAt(droplet, "id")}`,
      public: address("public"),
      private: address("private"),
    };
  }

  /** @returns its id. */
  async vpc(ipRange = "10.10.0.0/20", region = "fra1"): Promise<string> {
    return textAt(
      await this.post("/v2/vpcs", { name: `net-${ipRange.replace(/\W/g, "-")}`, region, ip_range: ipRange }),
      "vpc.id",
    );
  }

  /** @returns its id. */
  async volume(fields: Json = {}): Promise<string> {
    return textAt(
      await this.post("/v2/volumes", { name: "data", region: "fra1", size_gigabytes: 10, ...fields }),
      "volume.id",
    );
  }

  async attach(volume: string, droplet: Droplet): Promise<void> {
    await this.post(`/v2/volumes/${volume}/actions`, { type: "attach", droplet_id: droplet.id });
    await this.api.idle();
  }

  /** Waits for all that answers do not wait for. */
  settled = () => this.api.idle();
}

export const dropletFields = { name: "machine", region: "fra1", size: "s-1vcpu-1gb", image: "debian-12-x64" };
