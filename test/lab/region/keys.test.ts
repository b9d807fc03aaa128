/** Who may log in to a machine: holders of the account's keys, and of those that its user-data names. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { TestRegion } from "./support/region.js";

const packed = (config: string): string =>
  JSON.stringify({
    ignition: {
      version: "3.4.0",
      config: {
        replace: { compression: "gzip", source: `data:;base64,${gzipSync(config).toString("base64")}` },
      },
    },
  });

describe("keys of machines", function () {
  this.timeout(240_000);
  let region: TestRegion;

  before(async function () {
    this.timeout(600_000);
    region = await TestRegion.start();
  });

  after(() => region?.stop());

  for (const [form, pack] of [
    ["plain", (config: string) => config],
    ["inside a config that it replaces", packed],
  ] as const)
    it(`are also accepted from user-data only, ${form}; a set that update-ssh-keys takes away opens nothing more`, async () => {
      const sshAuthorizedKeys = region.machine(51).sshKeys;
      const userData = pack(
        JSON.stringify({ ignition: { version: "3.4.0" }, passwd: { users: [{ name: "core", sshAuthorizedKeys }] } }),
      );
      const machine = region.machine(form === "plain" ? 52 : 53, { sshKeys: [], userData });
      await region.boot(machine);
      const sets = "ls .ssh/authorized_keys.d; grep -c . .ssh/authorized_keys";
      assert.equal(await region.ssh(machine, `id -un; ${sets}`), `core\nignition\n${sshAuthorizedKeys.length}`);
      // In this connection only: no later one finds a key.
      await region.ssh(machine, "cp .ssh/authorized_keys /tmp/mine && sudo update-ssh-keys -A mine /tmp/mine");
      assert.match(await region.ssh(machine, `sudo update-ssh-keys -d ignition; ${sets}`), /^mine\n/);
      await region.ssh(machine, "printf '' | sudo tee .ssh/authorized_keys.d/mine && sudo update-ssh-keys");
      await assert.rejects(region.ssh(machine, "true"), /Permission denied/);
    });
});
