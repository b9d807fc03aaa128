/** What `make status` says of requests for serving certificates that the controllers left pending. */
import assert from "node:assert/strict";
import { pendingRequests } from "../../../lab/commands/status.js";

const now = new Date("2026-01-01T00:10:00Z");
const request = (name: string, changes: object = {}) => ({
  metadata: { name, creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { signerName: "kubernetes.io/kubelet-serving", username: "system:node:dev-worker-0" },
  ...changes,
});

describe("pending requests in the status", () => {
  it("names the request, its node and the next command", () => {
    assert.deepEqual(pendingRequests([request("csr-1")], now), [
      "serving certificate of system:node:dev-worker-0 not decided: see kubectl describe csr csr-1, then kubectl certificate approve csr-1, or deny",
    ]);
  });

  it("says nothing of requests that are decided, new, or of another signer", () => {
    const others = [
      request("approved", { status: { conditions: [{ type: "Approved" }] } }),
      request("denied", { status: { conditions: [{ type: "Denied" }] } }),
      request("new", { metadata: { name: "new", creationTimestamp: "2026-01-01T00:09:30Z" } }),
      request("client", { spec: { signerName: "kubernetes.io/kube-apiserver-client-kubelet" } }),
    ];
    assert.deepEqual(pendingRequests(others, now), []);
  });

  it("a request without conditions, as the API server writes it, is pending", () => {
    assert.equal(pendingRequests([request("csr-2", { status: {} })], now).length, 1);
  });
});
