/** An address of a cloud that counts what reaches it, and answers only what is asked before anything is made. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { regions, regionSlugs } from "../../lab/clouds/digitalocean/catalog/regions.js";

/** An account that is empty and may have everything. */
const answers: readonly (readonly [path: RegExp, answer: object])[] = [
  [/^\/v2\/account$/, { account: { droplet_limit: 10_000 } }],
  [/^\/v2\/regions\?/, { regions }],
  [/^\/v2\/tags\?/, { tags: [] }],
  [/^\/v2\/droplets\?/, { droplets: [] }],
  [/^\/v2\/images\//, { image: { id: 1, status: "available", regions: regionSlugs } }],
];

export class CountingCloud {
  readonly requests: string[] = [];
  private readonly server: Server = createServer((request, response) => {
    const { method = "", url = "" } = request;
    this.requests.push(`${method} ${url}`);
    const [, answer] = answers.find(([path]) => method === "GET" && path.test(url)) ?? [];
    response.writeHead(answer === undefined ? 503 : 200).end(JSON.stringify(answer ?? {}));
  });

  /** @returns its address. */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
