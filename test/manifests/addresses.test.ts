/** The rule for addresses of nodes, shown to a real API server: a kubelet adds none, the cloud controller manager does. */
import assert from "node:assert/strict";
import https from "node:https";
import { addressPolicy } from "../../components/addons/cloud/nodeAddresses.js";
import { START_TIMEOUT, TestApi } from "../provider/support/api.js";

interface Answer {
  readonly status: number;
  readonly message: string;
}

const node = "dev-worker-0";
const kubelet = { "Impersonate-User": `system:node:${node}`, "Impersonate-Group": "system:nodes" };
const internal = { type: "InternalIP", address: "10.4.0.9" };
const own = { type: "Hostname", address: node };
const given = [
  { type: "ExternalIP", address: "203.0.113.9" },
  { type: "InternalDNS", address: "ip-10-4-0-9.compute.internal" },
  { type: "Hostname", address: "ip-10-4-0-9.compute.internal" },
];

describe("the rule for addresses of nodes", function () {
  this.timeout(60_000);
  let api: TestApi;
  let token: string;

  before(async function () {
    this.timeout(START_TIMEOUT);
    api = await TestApi.start();
    token = (JSON.parse(api.kubeconfig) as { users: { user: { token: string } }[] }).users[0]!.user.token;
    const admission = "/apis/admissionregistration.k8s.io/v1";
    const expectMade = async (path: string, body: unknown): Promise<void> => {
      const { status, message } = await call("POST", path, body);
      assert.equal(status, 201, message);
    };
    // What the Node authorizer allows a kubelet, in an API server without that authorizer.
    await expectMade("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      metadata: { name: "nodes" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:node" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:nodes" }],
    });
    await expectMade(`${admission}/validatingadmissionpolicies`, {
      metadata: { name: "addresses" },
      spec: addressPolicy,
    });
    await expectMade(`${admission}/validatingadmissionpolicybindings`, {
      metadata: { name: "addresses" },
      spec: { policyName: "addresses", validationActions: ["Deny"] },
    });
    // The API server takes a moment to hold to it.
    for (
      const end = Date.now() + 30_000;
      (await create("probe", [{ type: "ExternalIP", address: "203.0.113.1" }])).status !== 422;
      await call("DELETE", "/api/v1/nodes/probe")
    ) {
      assert.ok(Date.now() < end, "the rule does not come to hold");
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  });
  after(() => api.stop());
  beforeEach(() => call("DELETE", `/api/v1/nodes/${node}`));

  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
      const request = https.request(
        `${api.server}${path}`,
        {
          method,
          rejectUnauthorized: false,
          headers: { authorization: `Bearer ${token}`, "content-type": type, ...headers },
        },
        (response) => {
          let text = "";
          response.on("data", (chunk: Buffer) => (text += chunk.toString()));
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              message: (JSON.parse(text) as { message?: string }).message ?? "",
            }),
          );
        },
      );
      request.on("error", reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const create = (name: string, addresses: readonly unknown[]): Promise<Answer> =>
    call("POST", "/api/v1/nodes", { metadata: { name }, status: { addresses } }, kubelet);
  const report = (status: unknown, by: Record<string, string> = kubelet, resource = "/status"): Promise<Answer> =>
    call("PATCH", `/api/v1/nodes/${node}${resource}`, { status }, by);
  const refused = ({ status, message }: Answer): void => {
    assert.equal(status, 422, message);
    assert.match(message, /the cloud controller manager sets all other addresses/);
  };

  it("lets a kubelet register with its private address and its own name, and with nothing else", async () => {
    refused(await create(node, [internal, own, given[0]]));
    refused(await create(node, [internal, { type: "Hostname", address: "kubernetes" }]));
    assert.equal((await create(node, [internal, own])).status, 201);
  });

  it("lets a kubelet keep what the cloud has given, in any order, while it reports", async () => {
    await create(node, [internal, own]);
    assert.equal((await report({ addresses: [internal, ...given] }, {})).status, 200);
    assert.equal(
      (await report({ addresses: [...given, internal], conditions: [{ type: "Ready", status: "True" }] })).status,
      200,
    );
    assert.equal((await report({ addresses: [internal, given[0]] })).status, 200);
  });

  it("refuses a kubelet that adds an address, changes one, or gives one another type", async () => {
    await create(node, [internal, own]);
    refused(await report({ addresses: [internal, own, given[0]] }));
    refused(await report({ addresses: [internal, own, { type: "InternalDNS", address: "kubernetes.default.svc" }] }));
    await report({ addresses: [internal, ...given] }, {});
    refused(await report({ addresses: [internal, { type: "ExternalIP", address: "203.0.113.10" }] }));
    refused(await report({ addresses: [internal, { type: "ExternalDNS", address: given[1]!.address }] }));
  });

  it("holds for the Node itself as for its status", async () => {
    await create(node, [internal, own]);
    // Through the main resource the API server ignores the status: nothing may come of it.
    await report({ addresses: [internal, given[0]] }, kubelet, "");
    const { status } = await report({ addresses: [internal, own] });
    assert.equal(status, 200);
    refused(await report({ addresses: [internal, given[0]] }));
  });
});
