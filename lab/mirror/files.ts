/** Serves the mirror's release files over HTTP. */
import { createWriteStream, mkdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { dirname } from "node:path";
import send from "send";

export interface FileServer {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts a server of the files below `root`: GET and HEAD, ranges, no listings, nothing outside `root`.
 * @param accessLog File that a line per request is added to: time, client, method, path, status, bytes.
 */
export async function startFileServer(
  root: string,
  host: string,
  port: number,
  accessLog: string,
): Promise<FileServer> {
  mkdirSync(root, { recursive: true });
  mkdirSync(dirname(accessLog), { recursive: true });
  const log = createWriteStream(accessLog, { flags: "a" });
  const server = createServer((request, response) => {
    const client = request.socket.remoteAddress ?? "-";
    const before = request.socket.bytesWritten;
    response.on("close", () => {
      const cut = response.writableFinished ? "" : " (cut off)";
      log.write(
        `${new Date().toISOString()} ${client} ${request.method} ${request.url} ${response.statusCode} ${request.socket.bytesWritten - before}${cut}\n`,
      );
    });
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD" }).end(`${request.method} is not allowed here; GET and HEAD are\n`);
      return;
    }
    send(request, (request.url ?? "/").split("?")[0]!, { root, index: false, dotfiles: "deny" })
      .on("error", (error: Error & { status?: number }) => {
        const status = error.status ?? 500;
        response.writeHead(status, { "content-type": "text/plain" });
        response.end(
          status === 404
            ? `not in this mirror: ${request.url}; it has the releases that were made for it: make release VERSION=<version>\n`
            : `${error.message}\n`,
        );
      })
      .on("directory", () =>
        response.writeHead(404, { "content-type": "text/plain" }).end("a folder: name a file in it\n"),
      )
      .pipe(response);
  });
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  return { port: portOf(server), stop: () => close(server, () => log.end()) };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

async function close(server: Server, after: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
  after();
}
