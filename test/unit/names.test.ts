/** Names of machines. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { machineName, machineNames } from "../../components/spec/names.js";

describe("machine names", () => {
  it("are cluster, pool and index", () => {
    assert.equal(machineName("dev", "etcd", 0), "dev-etcd-0");
    assert.deepEqual(machineNames("dev", { pool: "worker", count: 2 }), ["dev-worker-0", "dev-worker-1"]);
    assert.deepEqual(machineNames("dev", { pool: "worker", count: 0 }), []);
  });

  it("are host names, and different from each other, for every cluster that settings allow", () => {
    const cluster = fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/);
    fc.assert(
      fc.property(
        cluster,
        fc.constantFrom("etcd", "controller", "worker"),
        fc.integer({ min: 1, max: 5000 }),
        (name, pool, count) => {
          const last = machineName(name, pool, count - 1);
          assert.match(last, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
          assert.notEqual(last, machineName(`${name}2`, pool, count - 1));
        },
      ),
    );
  });
});
