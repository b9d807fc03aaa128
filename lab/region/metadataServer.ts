/** The HTTP end of every cloud's metadata service: who asks, and for what. What is answered is the cloud's. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { metadataAddress } from "./names.js";

export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** IPv4 address of whoever asks. */
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
