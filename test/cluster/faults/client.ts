/** The API as a program outside the cluster sees it: one connection, kept open, through the public endpoint. */
import { Agent, request } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * Sends one request at a time over a connection that is kept open, as a controller or an operator would. A request that is
 * not answered in time closes the connection; the next one may reach another server. (The generated client has no control
 * over its connections.)
 */
export class ApiClient {
  private readonly agent: Agent;
  private readonly server: string;

  /**
   * @param kubeconfig Text of a kubeconfig with embedded certificates.
   * @param limit Milliseconds for one request, connecting included.
   * @throws Error when the kubeconfig lacks its server or a certificate.
   */
  constructor(
    kubeconfig: string,
    readonly limit: number,
  ) {
    const config = new KubeConfig();
    config.loadFromString(kubeconfig);
    const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
    if (!cluster?.caData || !user?.certData || !user.keyData)
      throw new Error(
        "kubeconfig: needs a current context with a server, its CA and a client certificate, all embedded",
      );
    const decode = (text: string): string => Buffer.from(text, "base64").toString("utf8");
    this.server = cluster.server;
    this.agent = new Agent({
      keepAlive: true,
      maxSockets: 1,
      ca: decode(cluster.caData),
      cert: decode(user.certData),
      key: decode(user.keyData),
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
