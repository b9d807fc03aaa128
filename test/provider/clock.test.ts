/** Clocks that differ: certificates are made by one and checked by the other. */
import assert from "node:assert/strict";
import { session } from "../../provider/resources/session.js";
import { operation } from "./support/operation.js";
import { FakeMachine } from "./support/sshd.js";

describe("a machine's clock", function () {
  this.timeout(30_000);
  let machine: FakeMachine;
  beforeEach(async () => {
    machine = new FakeMachine();
    await machine.start();
  });
  afterEach(() => machine.remove());

  const warnings = async (): Promise<readonly string[]> => {
    const run = operation();
    const access = {
      machine: "worker-0",
      machineId: "9",
      host: "127.0.0.1",
      port: machine.port,
      user: "root",
      privateKey: machine.privateKey,
      timeout: 20,
    };
    await session(run, access, undefined, () => Promise.resolve({}));
    return run.warnings;
  };
  const shift = (seconds: number): void =>
    machine.script("bin/date", `#!/bin/bash\necho $(($(/bin/date +%s%3N) + ${seconds * 1000}))\n`);

  it("that keeps time is not mentioned", async () => {
    assert.deepEqual(await warnings(), []);
    shift(-50);
    assert.deepEqual(await warnings(), []);
    shift(50);
    assert.deepEqual(await warnings(), []);
  });

  it("that is more than a minute away is, with the direction and what to look at", async () => {
    shift(-600);
    assert.match(
      (await warnings()).join(),
      /^worker-0: its clock is (5[0-9]{2}|600) s behind this computer's\..* timedatectl/,
    );
    shift(600);
    assert.match((await warnings()).join(), /^worker-0: its clock is (5[0-9]{2}|600) s ahead of this computer's\./);
  });

  it("that cannot be read fails nothing", async () => {
    machine.script("bin/date", "#!/bin/bash\nexit 1\n");
    assert.deepEqual(await warnings(), []);
  });
});
