import assert from "node:assert/strict";
import { orphansOf } from "../../../lab/commands/recover.js";

describe("after a run that was killed", () => {
  const operation = {
    type: "creating",
    resource: { urn: "u", type: "digitalocean:index/droplet:Droplet", inputs: { name: "kubernetes-worker-0" } },
  };

  it("finds what was created under the name and is in no state", () => {
    const existing = [
      { id: "1", name: "kubernetes-worker-0" },
      { id: "2", name: "kubernetes-worker-0" },
    ];
    assert.deepEqual(orphansOf(operation, new Set(["1"]), existing), [{ id: "2", name: "kubernetes-worker-0" }]);
  });

  it("leaves other names with the same prefix alone", () => {
    assert.deepEqual(orphansOf(operation, new Set(), [{ id: "3", name: "kubernetes-worker-01" }]), []);
  });
});
