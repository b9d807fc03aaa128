/** An address of a cloud that counts what reaches it, and answers nothing. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export class CountingCloud {
  readonly requests: string[] = [];
  private readonly server: Server = createServer((request, response) => {
    this.requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    response.writeHead(503).end("{}");
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
