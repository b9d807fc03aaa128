import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { FakeMachine } from "./support/sshd.js";
import { TestStack } from "./support/stack.js";

const UP = ["up", "--yes", "--skip-preview"];

describe("the provider under the real engine", function () {
  this.timeout(120_000);
  const stack = new TestStack();
  let machine: FakeMachine;

  before(async function () {
    this.timeout(600_000);
    machine = new FakeMachine();
    await machine.start();
    await stack.create();
    await stack.set("port", String(machine.port));
    await stack.set("privateKey", machine.privateKey, true);
    await stack.set("content", "FirstSecretContent", true);
  });
  after(async () => {
    await machine.remove();
    stack.remove();
  });

  it("previews what it does not know yet", async () => {
    const { code, output } = await stack.run(["preview", "--diff"]);
    assert.equal(code, 0, output);
    assert.match(output, /corekube:machine:Delivery: \(create\)/);
    assert.match(output, /hostKey: \[unknown\]/);
    assert.match(output, /privateKey: \[secret\]/);
  });

  it("a failed creation names the cause, and is remembered with its host key", async () => {
    machine.health("exit 1");
    machine.unit("etcd.service", { ActiveState: "failed", Result: "exit-code" });
    machine.script("opt/corekube/bin/report", "#!/bin/bash\necho 'etcd.service: bind: address in use'\n");
    const { code, output } = await stack.run(UP);
    assert.notEqual(code, 0);
    assert.match(output, /lab-etcd-0: waiting for SSH, \d+ s of 30 s/, "progress");
    assert.match(
      output,
      /lab-etcd-0 \(127\.0\.0\.1:\d+\): etcd\.service failed \(exit-code\)\.\s+etcd\.service: bind: address in use/,
    );
    assert.ok((await stack.run(["stack", "export"])).output.includes(machine.hostKey));
  });

  it("the next run resumes there, also after a refresh", async () => {
    assert.equal((await stack.run(["refresh", "--yes", "--skip-preview"])).code, 0);
    machine.script("on-restart", "#!/bin/bash\nrm -f $FAKE_ROOT/units/etcd.service\n");
    machine.health("[ ! -e $FAKE_ROOT/units/etcd.service ]");
    const { code, output } = await stack.run(UP);
    assert.equal(code, 0, output);
    assert.match(output, /1 updated/);
    const again = await stack.run(["preview", "--expect-no-changes"]);
    assert.equal(again.code, 0, again.output);
  });

  it("names the changed file without showing it, and delivers it", async () => {
    await stack.set("content", "SecondSecretContent", true);
    const { output } = await stack.run(["preview"]);
    assert.match(output, /Delivery member update \[diff: ~files\]/);
    assert.match((await stack.run(["preview", "--diff"])).output, /server\.key: \[secret\] => \[secret\]/);
    assert.equal((await stack.run(UP)).code, 0);
    assert.equal(readFileSync(machine.path("etc/corekube/secrets/server.key"), "utf8"), "SecondSecretContent");
  });

  it("records a time limit alone without touching the machine", async () => {
    const asked = machine.asked.length;
    await stack.set("timeout", "31");
    const { code, output } = await stack.run(UP);
    assert.equal(code, 0, output);
    assert.equal(machine.asked.length, asked);
  });

  it("ends soon after Ctrl-C", async () => {
    machine.health("echo 'not yet'; exit 1");
    await stack.set("content", "ThirdSecretContent", true);
    let interrupted = 0;
    const { output } = await stack.run(UP, {
      watch: (text, interrupt) => {
        if (interrupted === 0 && text.includes("waiting for health: not yet")) {
          interrupted = Date.now();
          interrupt();
        }
      },
    });
    assert.ok(interrupted > 0, output);
    assert.ok(Date.now() - interrupted < 5_000);
    assert.match(output, /lab-etcd-0: interrupted after \d+ s; `pulumi up` resumes here/);
    machine.health("exit 0");
    const next = await stack.run(UP);
    assert.equal(next.code, 0, next.output);
  });

  it("delivers again to a machine with another id", async () => {
    await stack.set("machineId", "2");
    const { code, output } = await stack.run(UP);
    assert.equal(code, 0, output);
    assert.match(output, /replaced/);
  });

  it("no file of the backend holds a secret", async () => {
    const exported = await stack.run(["stack", "export"]);
    const files = readdirSync(stack.stateFolder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const texts = [
      exported.output,
      ...files.map((entry) => readFileSync(path.join(entry.parentPath, entry.name), "utf8")),
    ];
    assert.ok(texts.length > 10);
    for (const text of texts) assert.doesNotMatch(text, /SecretContent|PRIVATE KEY/);
  });

  it("destroys without asking the machine", async () => {
    await machine.stop();
    const { code, output } = await stack.run(["destroy", "--yes", "--skip-preview"]);
    assert.equal(code, 0, output);
  });
});
