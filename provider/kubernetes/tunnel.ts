/** Requests to one API server through a stream that leads to it, with an administrator's credentials, which never leave this process. */
import { request, type RequestOptions } from "node:https";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";

const REQUEST_MILLISECONDS = 15_000;

export interface TunnelledApi {
  /**
   * Calls `onLine` with each line of the answer: the metrics of a large cluster are megabytes.
   * @returns the HTTP status.
   */
  get(path: string, onLine: (line: string) => void): Promise<number>;
}

/**
 * @param kubeconfig Whose credentials and authority are used; its address is not. The API server must prove that it is `127.0.0.1`.
 * @param open A new stream to the API server, for each request.
 */
export async function tunnelledApi(
  kubeconfig: string,
  open: () => Promise<Duplex>,
  signal: AbortSignal,
): Promise<TunnelledApi> {
  // Loaded on demand: it takes longer to load than the rest of the provider.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  const credentials: RequestOptions = {};
  await config.applyToHTTPSOptions(credentials);
  const { ca, cert, key, rejectUnauthorized } = credentials;
  return {
    get: async (path, onLine) => {
      const socket = connect({
        socket: await open(),
        host: "127.0.0.1",
        ca,
        cert,
        key,
        ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
      });
      try {
        return await new Promise<number>((resolve, reject) => {
          const asked = request({
            path,
            headers: { ...credentials.headers },
            createConnection: () => socket,
            signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MILLISECONDS)]),
          });
          asked.once("error", reject);
          asked.once("response", (response) => {
            response.once("error", reject);
            const lines = createInterface({ input: response, crlfDelay: Infinity });
            lines.on("line", onLine);
            lines.once("close", () =>
              response.complete ? resolve(response.statusCode ?? 0) : reject(new Error("the answer ended early")),
            );
          });
          asked.end();
        });
      } finally {
        socket.destroy();
      }
    },
  };
}
