/** Who may log in to a machine: holders of the account's keys, and of those that its user-data names. */
import assert from "node:assert/strict";
import { TestRegion } from "./support/region.js";

describe("keys of machines", function () {
  this.timeout(240_000);
  let region: TestRegion;

  before(async function () {
    this.timeout(600_000);
    region = await TestRegion.start();
  });

  after(() => region?.stop());

  it("are also accepted from user-data only", async () => {
    const sshAuthorizedKeys = region.machine(51).sshKeys;
    const userData = JSON.stringify({
      ignition: { version: "3.4.0" },
      passwd: { users: [{ name: "core", sshAuthorizedKeys }] },
    });
    const machine = region.machine(52, { sshKeys: [], userData });
    await region.boot(machine);
    assert.equal(
      await region.ssh(
        machine,
        "id -un; ls .ssh/authorized_keys.d; test -s .ssh/authorized_keys || echo none of the account",
      ),
      "core\nignition\nnone of the account",
    );
  });
});
