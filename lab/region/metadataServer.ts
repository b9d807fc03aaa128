/** What the clouds' metadata services have in common: an HTTP server that knows who asks, and a tree that is read by path. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { metadataAddress } from "./names.js";

export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** IPv4 address of the client. */
  readonly address: string;
  /** Without its query; undefined: it cannot be decoded. */
  readonly path: string | undefined;
}

export const metadataPlace = { host: metadataAddress, port: 80 };

/** Must run inside the region's namespace. */
export function serveMetadata(
  answer: (asked: Asked) => void,
  listen: { readonly host: string; readonly port: number },
): Promise<Server> {
  const server = createServer((request, response) => {
    const address = (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    answer({ request, response, address, path: decode((request.url ?? "/").split("?")[0]!) });
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, () => resolve(server));
  });
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

export function closed(server: Server): Promise<unknown> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

/** A folder of a metadata tree; leaves are text, and what is undefined is not there. */
export interface Tree {
  readonly [name: string]: string | Tree | undefined;
}

/** What is at a path of the tree; undefined: nothing. */
export function treeAt(tree: Tree, path: readonly string[]): string | Tree | undefined {
  return path.reduce<string | Tree | undefined>(
    (node, name) => (typeof node === "object" && Object.hasOwn(node, name) ? node[name] : undefined),
    tree,
  );
}
