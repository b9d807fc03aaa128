import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { Delivery } from "../../provider/resources/delivery.js";
import type { Properties } from "../../provider/rpc/properties.js";
import { checked, eventually, incomplete, operation } from "./support/operation.js";
import { FakeMachine } from "./support/sshd.js";

const KEY =
  "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIPlaceholderPlaceholderPlaceholder\n-----END EC PRIVATE KEY-----\n";

describe("Delivery", function () {
  this.timeout(60_000);
  const delivery = new Delivery();
  let machine: FakeMachine;

  beforeEach(async () => {
    machine = new FakeMachine();
    await machine.start();
  });
  afterEach(() => machine.remove());

  const inputs = (given: Properties = {}): Properties =>
    checked(delivery, {
      machine: "lab-etcd-0",
      machineId: "1",
      host: "127.0.0.1",
      port: machine.port,
      user: "root",
      privateKey: machine.privateKey,
      files: { "server.key": KEY, "cluster.env": "A=1\n" },
      timeout: 20,
      ...given,
    });
  const delivered = (): string => machine.path("etc/corekube/secrets");

  it("delivers every file, 0600 in a 0700 directory behind a link, and records the host key", async () => {
    const { id, outputs } = await delivery.create(operation(), inputs());
    assert.equal(id, "1");
    assert.equal(outputs["hostKey"], machine.hostKey);
    assert.match(String(outputs["digest"]), /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(readdirSync(delivered()).sort(), ["cluster.env", "complete", "server.key"]);
    assert.equal(readFileSync(`${delivered()}/server.key`, "utf8"), KEY);
    assert.equal(statSync(delivered()).mode & 0o777, 0o700);
    for (const name of readdirSync(delivered()))
      assert.equal(statSync(`${delivered()}/${name}`).mode & 0o777, 0o600, name);
    assert.deepEqual(machine.asked, [], "the path unit notices the first delivery");
  });

  it("keeps no secret in its outputs", async () => {
    const { outputs } = await delivery.create(operation(), inputs());
    assert.deepEqual(Object.keys(outputs).sort(), ["configuration", "digest", "host", "hostKey"]);
  });

  it("records what the machine runs, as the machine says", async () => {
    const { outputs: unsaid } = await delivery.create(operation(), inputs());
    assert.equal(unsaid["configuration"], "");
    machine.write("verified", "0123456789abcdef\n");
    const { outputs } = await delivery.create(operation(), inputs());
    assert.equal(outputs["configuration"], "0123456789abcdef");
    const other = inputs({ host: "localhost" });
    assert.equal(
      (await delivery.update(operation(), { inputs: inputs(), outputs }, other))["configuration"],
      "0123456789abcdef",
    );
    assert.equal(delivery.preview({ inputs: inputs(), outputs }, other)["configuration"], "0123456789abcdef");
  });

  it("delivers again, removes the old set, and makes the machine apply the new one", async () => {
    const first = await delivery.create(operation(), inputs());
    const before = readlinkSync(delivered());
    const after = inputs({ files: { "server.key": "new" } });
    const outputs = await delivery.update(operation(), { inputs: inputs(), outputs: first.outputs }, after);
    assert.notEqual(outputs["digest"], first.outputs["digest"]);
    assert.deepEqual(readdirSync(delivered()).sort(), ["complete", "server.key"]);
    assert.notEqual(readlinkSync(delivered()), before);
    assert.deepEqual(
      readdirSync(machine.path("etc/corekube")).sort(),
      [".delivery.lock", "secrets", readlinkSync(delivered())].sort(),
    );
    assert.ok(machine.asked.includes("restart --no-block corekube-activate.service"));
  });

  it("waits for what the restart applies, not for the health of the old secrets", async () => {
    const first = await delivery.create(operation(), inputs());
    machine.script(
      "on-restart",
      `#!/bin/bash\nprintf 'Id=corekube-activate.service\\nLoadState=loaded\\nActiveState=active\\nResult=success\\nJob=7\\n' > $FAKE_ROOT/units/corekube-activate.service\n`,
    );
    const run = operation();
    const update = delivery.update(run, { inputs: inputs(), outputs: first.outputs }, inputs({ files: { a: "2" } }));
    await eventually(() => run.statuses.some((text) => text.includes("waiting for corekube-activate.service")));
    machine.unit("corekube-activate.service", { ActiveState: "active" });
    await update;
  });

  it("does nothing on the machine when only a time limit changes", async () => {
    const first = await delivery.create(operation(), inputs());
    await machine.stop();
    assert.deepEqual(
      await delivery.update(operation(), { inputs: inputs(), outputs: first.outputs }, inputs({ timeout: 30 })),
      first.outputs,
    );
  });

  it("proves a changed way to the machine, without delivering again", async () => {
    const first = await delivery.create(operation(), inputs());
    const link = readlinkSync(delivered());
    await delivery.update(operation(), { inputs: inputs({ host: "localhost" }), outputs: first.outputs }, inputs());
    assert.equal(readlinkSync(delivered()), link);
    await assert.rejects(
      delivery.update(operation(), { inputs: inputs(), outputs: first.outputs }, inputs({ port: 1, timeout: 1 })),
      /no SSH at 127\.0\.0\.1:1/,
    );
  });

  it("waits until a controller serves again when a member has another address", async () => {
    const before = inputs({ hosts: { "lab-etcd-0": "10.0.0.4" } });
    const first = await delivery.create(operation(), before);
    machine.health(
      "[ -e $FAKE_ROOT/asked ] && exit 0; touch $FAKE_ROOT/asked; echo 'kube-apiserver is not ready'; exit 1",
    );
    const run = operation();
    const after = inputs({ hosts: { "lab-etcd-0": "10.0.0.5" } });
    await delivery.update(run, { inputs: before, outputs: first.outputs }, after);
    assert.match(machine.read("etc/corekube/hosts"), /^10\.0\.0\.5 lab-etcd-0$/m);
    assert.ok(run.statuses.some((text) => text.includes("waiting for health: kube-apiserver is not ready")));
  });

  it("waits for a machine that still boots, telling so", async () => {
    await machine.stop();
    const run = operation();
    const creation = delivery.create(run, inputs());
    await eventually(() => run.statuses.some((text) => /waiting for SSH \(ECONNREFUSED/.test(text)));
    await machine.start();
    await creation;
    assert.match(run.statuses[0] ?? "", /^lab-etcd-0: waiting for SSH, 0 s of 20 s$/);
  });

  it("waits for a key that arrives late", async () => {
    const keys = machine.read("authorized_keys");
    machine.write("authorized_keys", "");
    const run = operation();
    const creation = delivery.create(run, inputs());
    await eventually(() => run.statuses.some((text) => text.includes("does not accept the key yet")));
    machine.write("authorized_keys", keys);
    await creation;
  });

  it("says what to check when SSH never answers, and when the key is never accepted", async () => {
    machine.write("authorized_keys", "");
    const refused = await incomplete(delivery.create(operation(), inputs({ timeout: 2 })));
    assert.match(
      refused.message,
      /lab-etcd-0: the SSH server at 127\.0\.0\.1:\d+ does not accept the key for user "root"/,
    );
    await machine.stop();
    const silent = await incomplete(delivery.create(operation(), inputs({ timeout: 2 })));
    assert.match(silent.message, /no SSH at 127\.0\.0\.1:\d+ as "root" within 2 s .*ECONNREFUSED.*admin_cidrs/s);
    assert.deepEqual(silent.outputs, {});
  });

  it("refuses a changed host key at once, with both fingerprints, and sends nothing", async () => {
    const { outputs } = await delivery.create(operation(), inputs());
    await machine.stop();
    machine.newHostKey();
    await machine.start();
    const link = readlinkSync(delivered());
    const start = Date.now();
    const failure = await incomplete(
      delivery.update(operation(), { inputs: inputs(), outputs }, inputs({ files: { a: "2" } })),
    );
    assert.match(
      failure.message,
      /another SSH host key.*recorded: SHA256:\S+ \(ssh-ed25519\).*shown: +SHA256:\S+ \(ssh-ed25519\)/s,
    );
    assert.equal(failure.outputs["hostKey"], outputs["hostKey"], "the recorded key stays");
    assert.ok(Date.now() - start < 5_000, "no retries");
    assert.equal(readlinkSync(delivered()), link);
  });

  it("checks the key of the first connection when it connects again", async () => {
    machine.health("exit 1");
    const run = operation();
    const creation = incomplete(delivery.create(run, inputs()));
    await eventually(() => run.statuses.some((text) => text.includes("waiting for health")));
    await machine.stop();
    machine.newHostKey();
    await machine.killSessions();
    await machine.start();
    assert.match((await creation).message, /another SSH host key/);
  });

  it("fails early when a unit has failed for good, with the machine's report and without secrets", async () => {
    machine.health("echo 'etcd does not answer'; exit 1");
    machine.unit("corekube-install.service", { ActiveState: "failed", Result: "exit-code" });
    machine.script(
      "opt/corekube/bin/report",
      `#!/bin/bash\necho 'corekube-install.service: etcd.tar.gz: expected sha256 aa, got bb'\ncat $FAKE_ROOT/etc/corekube/secrets/*.key\n`,
    );
    const start = Date.now();
    const failure = await incomplete(delivery.create(operation(), inputs({ timeout: 60 })));
    assert.match(
      failure.message,
      /^lab-etcd-0 \(127\.0\.0\.1:\d+\): corekube-install\.service failed \(exit-code\)\.\n {2}corekube-install.service: etcd\.tar\.gz: expected sha256 aa, got bb/,
    );
    assert.match(failure.message, /journalctl -u corekube-install\.service.*pulumi up/);
    assert.ok(Date.now() - start < 15_000);
    assert.doesNotMatch(failure.message, /PRIVATE KEY|MHcCAQEE/);
    assert.deepEqual(failure.outputs, { hostKey: machine.hostKey }, "the next run checks the key and finds no digest");
  });

  it("does not take a unit that systemd starts again for failed", async () => {
    machine.health("[ -e $FAKE_ROOT/up ]");
    machine.unit("etcd.service", { ActiveState: "failed", Job: "12" });
    const run = operation();
    const creation = delivery.create(run, inputs());
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    machine.write("up", "");
    await creation;
  });

  it("gives units that failed in an earlier run another chance", async () => {
    machine.health("[ -e $FAKE_ROOT/up ]");
    machine.unit("corekube-install.service", { ActiveState: "failed", Result: "exit-code" });
    const failure = await incomplete(delivery.create(operation(), inputs()));
    machine.script("on-restart", `#!/bin/bash\nrm -f $FAKE_ROOT/units/corekube-install.service; touch $FAKE_ROOT/up\n`);
    await delivery.update(operation(), { inputs: inputs(), outputs: failure.outputs }, inputs());
    assert.ok(machine.asked.includes("restart --no-block corekube-install.service"), machine.asked.join("; "));
  });

  it("ends at the time limit with what it waited for", async () => {
    machine.health("echo 'no quorum yet'; exit 1");
    const failure = await incomplete(delivery.create(operation(), inputs({ timeout: 4 })));
    assert.match(failure.message, /not ready within 4 s, still waiting for health: no quorum yet/);
  });

  it("ends at once when interrupted, and says how to go on", async () => {
    machine.health("exit 1");
    const run = operation();
    const creation = incomplete(delivery.create(run, inputs()));
    await eventually(() => run.statuses.some((text) => text.includes("waiting for health")));
    const start = Date.now();
    run.interrupt();
    const failure = await creation;
    assert.ok(Date.now() - start < 1_000);
    assert.match(failure.message, /interrupted after \d+ s; `pulumi up` resumes here/);
  });

  it("shows no secret in any process list while it delivers", async () => {
    const secret = "S3cretInTheFile";
    let looks = 0;
    const seen: string[] = [];
    const timer = setInterval(() => {
      looks += 1;
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, "utf8");
          if (line.includes(secret) || line.includes("PRIVATE KEY")) seen.push(line);
        } catch {
          // It has ended.
        }
      }
    }, 5);
    await delivery.create(operation(), inputs({ files: { "server.key": secret.repeat(50_000) } }));
    clearInterval(timer);
    assert.ok(looks > 5, `${looks} looks`);
    assert.deepEqual(seen, []);
  });

  it("names a private key of the wrong format", async () => {
    const failure = await incomplete(
      delivery.create(operation(), inputs({ privateKey: "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----" })),
    );
    assert.match(failure.message, /privateKey is not a private key in OpenSSH's format/);
  });
});
