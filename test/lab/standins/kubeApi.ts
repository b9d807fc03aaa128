/** An API server as far as the plugin talks to one: discovery, apply, get and delete, in memory. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export type Live = Record<string, unknown> & { metadata: Record<string, unknown> };

const kinds: Readonly<Record<string, readonly (readonly [string, string, boolean])[]>> = {
  "/api/v1": [
    ["namespaces", "Namespace", false],
    ["configmaps", "ConfigMap", true],
    ["secrets", "Secret", true],
    ["services", "Service", true],
    ["pods", "Pod", true],
  ],
  "/apis/apps/v1": [
    ["deployments", "Deployment", true],
    ["daemonsets", "DaemonSet", true],
  ],
  "/apis/discovery.k8s.io/v1": [["endpointslices", "EndpointSlice", true]],
  "/apis/rbac.authorization.k8s.io/v1": [["clusterrolebindings", "ClusterRoleBinding", false]],
};

export class FakeKubeApi {
  /** By path. */
  readonly objects = new Map<string, Live>();
  readonly requests: string[] = [];
  /** Set to answer this instead. */
  failure: (method: string, path: string) => { status: number; reason: string; message: string } | undefined = () =>
    undefined;
  private readonly server: Server = createServer((request, response) => {
    void this.answer(request).then(([status, body]) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
    );
  });
  private count = 0;

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  kubeconfig(server = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`): string {
    return JSON.stringify({
      "current-context": "test",
      contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
      clusters: [{ name: "test", cluster: { server, "insecure-skip-tls-verify": true } }],
      users: [{ name: "test", user: { token: "token" } }],
    });
  }

  object(path: string): Live {
    const found = this.objects.get(path);
    if (found === undefined) throw new Error(`no ${path}, only ${[...this.objects.keys()].join(", ")}`);
    return found;
  }

  private async answer(request: IncomingMessage): Promise<[number, unknown]> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const method = request.method ?? "GET";
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.requests.push(`${method} ${url.pathname}${url.search}`);
    const failure = this.failure(method, url.pathname);
    if (failure !== undefined) return [failure.status, failure];
    const listed = kinds[url.pathname];
    if (listed !== undefined)
      return [200, { resources: listed.map(([name, kind, namespaced]) => ({ name, kind, namespaced })) }];
    if (/\/(endpointslices|pods)$/.test(url.pathname)) {
      return [
        200,
        { items: [...this.objects].filter(([path]) => path.startsWith(`${url.pathname}/`)).map(([, live]) => live) },
      ];
    }
    const known = this.objects.get(url.pathname);
    if (method === "PATCH") {
      const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Live;
      const [, namespace] = /\/namespaces\/([^/]+)\//.exec(url.pathname) ?? [];
      const live = {
        ...body,
        ...(known?.["status"] === undefined ? {} : { status: known["status"] }),
        metadata: {
          uid: String(++this.count),
          generation: 1,
          managedFields: [{ manager: "x" }],
          ...known?.metadata,
          ...body.metadata,
          ...(namespace === undefined ? {} : { namespace }),
        },
      };
      if (!url.searchParams.has("dryRun")) this.objects.set(url.pathname, live);
      return [known === undefined ? 201 : 200, live];
    }
    if (known === undefined) return [404, { reason: "NotFound", message: `${url.pathname} not found` }];
    if (method === "DELETE") this.objects.delete(url.pathname);
    return [200, known];
  }
}
