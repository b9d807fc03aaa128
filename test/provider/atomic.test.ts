import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { Delivery } from "../../provider/resources/delivery.js";
import type { Properties } from "../../provider/rpc/properties.js";
import { checked, eventually, operation } from "./support/operation.js";
import { FakeMachine } from "./support/sshd.js";

const LARGE = 60 * 1024 * 1024;

describe("a delivery is all or nothing", function () {
  this.timeout(120_000);
  const delivery = new Delivery();
  let machine: FakeMachine;

  beforeEach(async () => {
    machine = new FakeMachine();
    await machine.start();
  });
  afterEach(() => machine.remove());

  const inputs = (files: Properties): Properties =>
    checked(delivery, {
      machine: "m",
      machineId: "1",
      host: "127.0.0.1",
      port: machine.port,
      user: "root",
      privateKey: machine.privateKey,
      files,
      timeout: 60,
    });
  const link = (): string => machine.path("etc/corekube/secrets");
  const directories = (): string[] =>
    readdirSync(machine.path("etc/corekube")).filter((name) => name.startsWith("secrets."));

  it("a reader sees the old set or the new one, never a mixture, and never none", async () => {
    const set = (round: number): Properties =>
      inputs({ "a.key": `${round} ${"x".repeat(200_000)}`, "z.key": `${round} ${"x".repeat(200_000)}` });
    let { outputs } = await delivery.create(operation(), set(0));
    let reading = true;
    let looks = 0;
    const reader = (async () => {
      while (reading) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        const directory = realpathSync(link());
        try {
          const [a, z] = ["a.key", "z.key"].map((name) => readFileSync(`${directory}/${name}`, "utf8"));
          assert.equal(a, z);
          assert.ok(existsSync(`${directory}/complete`));
          looks += 1;
        } catch (error) {
          // A set that was replaced while it was read: the reader would begin again.
          if ((error as { code?: string }).code !== "ENOENT" && realpathSync(link()) === directory) throw error;
        }
      }
    })();
    for (let round = 1; round <= 4; round += 1)
      outputs = await delivery.update(operation(), { inputs: set(round - 1), outputs }, set(round));
    reading = false;
    await reader;
    assert.ok(looks > 50, `${looks} looks`);
  });

  it("an interruption in the middle leaves the old set as it was, and the next delivery removes what is left", async () => {
    const before = inputs({ "server.key": "old" });
    const { outputs } = await delivery.create(operation(), before);
    const old = realpathSync(link());
    const run = operation();
    const after = inputs({ "server.key": "n".repeat(LARGE) });
    const update = delivery.update(run, { inputs: before, outputs }, after);
    await eventually(() => directories().length === 2);
    run.interrupt();
    await assert.rejects(update, /interrupted/);
    assert.equal(realpathSync(link()), old);
    assert.equal(readFileSync(`${link()}/server.key`, "utf8"), "old");
    mkdirSync(machine.path("etc/corekube/secrets.leftover1"));
    writeFileSync(machine.path("etc/corekube/secrets.leftover1/server.key"), "left by a killed delivery");
    await delivery.update(operation(), { inputs: before, outputs }, inputs({ "server.key": "new" }));
    assert.equal(directories().length, 1);
    assert.equal(readFileSync(`${link()}/server.key`, "utf8"), "new");
  });

  it("a connection that breaks in the middle is made again and the delivery repeated", async () => {
    const run = operation();
    const creation = delivery.create(run, inputs({ "server.key": "n".repeat(LARGE) }));
    await eventually(() => directories().length === 1 && !existsSync(link()));
    await machine.killSessions();
    await creation;
    assert.ok(
      run.statuses.some((text) => text.includes("connection broke")),
      run.statuses.join("\n"),
    );
    assert.equal(readFileSync(`${link()}/server.key`, "utf8").length, LARGE);
    assert.equal(directories().length, 1);
  });

  it("a full disk or a missing directory is named", async () => {
    machine.script("bin/tar", "#!/bin/bash\ncat >/dev/null; echo 'tar: No space left on device' >&2; exit 2\n");
    await assert.rejects(
      delivery.create(operation(), inputs({ a: "1" })),
      /could not be written to \/etc\/corekube \(exit code 2\): tar: No space left on device/,
    );
    assert.deepEqual(directories(), []);
  });
});
