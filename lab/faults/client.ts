/** The API as a program outside of the cluster sees it: one connection, kept open, through the public endpoint. */
import { Agent, request } from "node:https";
import { parse } from "yaml";
import { z } from "zod";

/** What a kubeconfig with embedded certificates says of its first cluster and user. */
const kubeconfigSchema = z.object({
  clusters: z
    .array(z.object({ cluster: z.object({ server: z.url(), "certificate-authority-data": z.string() }) }))
    .min(1),
  users: z
    .array(z.object({ user: z.object({ "client-certificate-data": z.string(), "client-key-data": z.string() }) }))
    .min(1),
});

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * Requests one after another over a connection that is kept open, as a controller or an operator would. A request that is
 * not answered in time takes its connection with it, so that the next one is made anew and may reach another server.
 */
export class ApiClient {
  private readonly agent: Agent;
  private readonly server: string;

  /**
   * @param kubeconfig text of a kubeconfig with embedded certificates.
   * @param limit milliseconds for one request, connecting included.
   * @throws Error when the kubeconfig lacks server or certificates.
   */
  constructor(
    kubeconfig: string,
    readonly limit: number,
  ) {
    const read = kubeconfigSchema.safeParse(parse(kubeconfig));
    if (!read.success)
      throw new Error(
        `kubeconfig: ${z.prettifyError(read.error)}; needed are a server, its CA and a client certificate, all embedded`,
      );
    const [{ cluster } = { cluster: undefined }] = read.data.clusters;
    const [{ user } = { user: undefined }] = read.data.users;
    if (!cluster || !user) throw new Error("kubeconfig: got no cluster or no user, needed is one of each");
    const decode = (text: string): string => Buffer.from(text, "base64").toString("utf8");
    this.server = cluster.server;
    this.agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: decode(cluster["certificate-authority-data"]),
      cert: decode(user["client-certificate-data"]),
      key: decode(user["client-key-data"]),
    });
  }

  /** One request. @throws Error when there is no answer within the limit, or the connection breaks. */
  call(method: "GET" | "POST" | "DELETE", path: string, body?: object): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(new URL(path, this.server), {
        method,
        agent: this.agent,
        headers:
          text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) },
      });
      const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${this.limit / 1000} s`)), this.limit);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      sent.on("error", fail);
      sent.on("response", (response) => {
        let answer = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          answer += chunk;
        });
        response.on("error", fail);
        response.on("end", () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, body: answer });
        });
      });
      sent.end(text);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
