/** A local server with the layout of the download hosts: `/<host>/<path>`. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { PinnedFile } from "../../lab/toolchain/versions.js";

export const sha256 = (content: Buffer | string): string => createHash("sha256").update(content).digest("hex");

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export class DownloadServer {
  readonly requests: string[] = [];
  readonly #files = new Map<string, Buffer>();
  readonly #answers: [prefix: string, answer: Answer][] = [];
  readonly #server: Server = createServer((request, response) => {
    const path = request.url ?? "";
    this.requests.push(`${request.method} ${path}`);
    const special = this.#answers.find(([prefix]) => path.startsWith(prefix));
    if (special) special[1](request, response);
    else if (request.method === "HEAD") response.end();
    else this.send(request, response);
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** What COREKUBE_DOWNLOADS is set to. */
  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Serves a file. Returns its pin. */
  add(url: string, content: Buffer | string): PinnedFile {
    this.#files.set(url.replace("https:/", ""), Buffer.from(content));
    return { url, sha256: sha256(content) };
  }

  /** Serves something else under the address of a file. */
  replace(url: string, content: string | undefined): void {
    if (content === undefined) this.#files.delete(url.replace("https:/", ""));
    else this.add(url, content);
  }

  /** Answers in another way for a host, or for a file: its address without "https:/". */
  answer(prefix: string, answer: Answer): void {
    this.#answers.unshift([prefix, answer]);
  }

  /** The usual answer, with ranges. */
  send(request: IncomingMessage, response: ServerResponse): void {
    const content = this.#files.get(request.url ?? "");
    if (!content) return void response.writeHead(404).end();
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": content.length - from }).end(content.subarray(from));
  }
}
