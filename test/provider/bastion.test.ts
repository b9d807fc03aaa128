/** Machines behind a bastion: two real SSH servers, the first of which passes on to the second. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Delivery } from "../../provider/resources/delivery.js";
import type { Properties } from "../../provider/rpc/properties.js";
import { onPeer } from "../../components/rollout/provider/controlPlanePeers.js";
import { Bastions, discard } from "../../provider/ssh/bastion.js";
import { checked, incomplete, operation } from "./support/operation.js";
import { FakeMachine } from "./support/sshd.js";

describe("a machine behind a bastion", function () {
  this.timeout(60_000);
  const delivery = new Delivery();
  let machine: FakeMachine;
  let bastion: FakeMachine;

  beforeEach(async () => {
    machine = new FakeMachine();
    bastion = new FakeMachine();
    // One key opens both, as in a cluster.
    bastion.write("authorized_keys", machine.read("authorized_keys"));
    await Promise.all([machine.start(), bastion.start()]);
  });
  afterEach(() => Promise.all([machine.remove(), bastion.remove()]));

  const inputs = (given: Properties = {}): Properties =>
    checked(delivery, {
      machine: "lab-etcd-0",
      machineId: "1",
      host: "127.0.0.1",
      port: machine.port,
      bastion: `127.0.0.1:${bastion.port}`,
      user: "root",
      privateKey: machine.privateKey,
      files: { "server.key": "secret" },
      timeout: 20,
      ...given,
    });
  /** Who is connected to the machine's SSH server: process that owns the other end. */
  const establishedFrom = (port: number): string =>
    execFileSync("ss", ["-tnpH", "state", "established", "dport", "=", `:${port}`], { encoding: "utf8" });

  it("gets its secrets through it, and its own host key is the one that is recorded", async () => {
    // The health check runs while the connection is there: it tells whose it is.
    machine.health(`ss -tnpH state established dport = :${machine.port} >"$FAKE_ROOT/peers"`);
    const { outputs } = await delivery.create(operation(), inputs());
    assert.equal(outputs["hostKey"], machine.hostKey);
    assert.notEqual(outputs["hostKey"], bastion.hostKey);
    assert.equal(readFileSync(machine.path("etc/corekube/secrets/server.key"), "utf8"), "secret");
    assert.match(readFileSync(machine.path("peers"), "utf8"), /sshd/, "the connection came from the bastion's server");
  });

  it("is refused when it is another one, though the bastion is the same", async () => {
    const first = await delivery.create(operation(), inputs());
    await machine.stop();
    machine.newHostKey();
    await machine.start();
    const error = await incomplete(
      delivery.update(operation(), { inputs: inputs(), outputs: first.outputs }, inputs({ files: { a: "2" } })),
    );
    assert.match(error.message, /another SSH host key than before; nothing was sent to it/);
  });

  it("is not reached when the bastion is away, and the error names the bastion and how to look", async () => {
    await bastion.stop();
    const error = await incomplete(delivery.create(operation(), inputs({ timeout: 3 })));
    assert.match(error.message, new RegExp(`through the bastion 127\\.0\\.0\\.1:${bastion.port}: ECONNREFUSED`));
    assert.match(error.message, /`ssh root@127\.0\.0\.1:\d+`, the bastion, answers/);
  });

  it("is waited for while it still boots behind a bastion that answers", async () => {
    await machine.stop();
    const created = delivery.create(operation(), inputs());
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await machine.start();
    assert.equal((await created).outputs["hostKey"], machine.hostKey);
  });

  it("is reached by the gates of a rollout in the same way", async () => {
    const credentials = {
      user: "root",
      port: machine.port,
      privateKey: machine.privateKey,
      bastion: `127.0.0.1:${bastion.port}`,
    };
    const answer = await onPeer(
      operation(),
      { machine: "lab-etcd-1", pool: "etcd", atOnce: 1, host: "127.0.0.1", hostKey: machine.hostKey },
      credentials,
      (at) => at.root({ script: "echo here" }),
    );
    assert.equal(answer.stdout.trim(), "here");
    await bastion.stop();
    // The connection of before may still be open, and would serve once more.
    await bastion.killSessions();
    await assert.rejects(
      onPeer(
        operation(),
        { machine: "lab-etcd-1", pool: "etcd", atOnce: 1, host: "127.0.0.1" },
        credentials,
        (at) => at.root({ script: "true" }),
        2,
      ),
      /no SSH at .*through the bastion/,
    );
  });

  it("shares one connection to the bastion with others, which is closed after the last", async () => {
    const bastions = new Bastions();
    const endpoint = {
      host: "127.0.0.1",
      port: machine.port,
      user: "root",
      privateKey: machine.privateKey,
      bastion: `127.0.0.1:${bastion.port}`,
    };
    const streams = await Promise.all(
      Array.from({ length: 20 }, () => bastions.streamTo(endpoint, new AbortController().signal)),
    );
    assert.equal(connectionsTo(bastion.port), 1);
    for (const stream of streams.slice(1)) discard(stream!);
    assert.equal(connectionsTo(bastion.port), 1);
    discard(streams[0]!);
    for (
      const end = Date.now() + 5_000;
      connectionsTo(bastion.port) > 0;
      await new Promise((resolve) => setTimeout(resolve, 50))
    ) {
      assert.ok(Date.now() < end, "the connection stays open");
    }
  });

  it("is not reached through a bastion that has another key than a moment ago", async () => {
    const bastions = new Bastions();
    const endpoint = {
      host: "127.0.0.1",
      port: machine.port,
      user: "root",
      privateKey: machine.privateKey,
      bastion: `127.0.0.1:${bastion.port}`,
    };
    const { signal } = new AbortController();
    discard((await bastions.streamTo(endpoint, signal))!);
    await bastion.stop();
    await bastion.killSessions();
    bastion.newHostKey();
    await bastion.start();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await assert.rejects(bastions.streamTo(endpoint, signal), /through the bastion .*another SSH host key/);
  });

  it("can be reached directly again: a change of the way is proved, and nothing is delivered", async () => {
    const first = await delivery.create(operation(), inputs());
    await bastion.stop();
    const { bastion: _gone, ...direct } = inputs();
    const outputs = await delivery.update(operation(), { inputs: inputs(), outputs: first.outputs }, direct);
    assert.equal(outputs["digest"], first.outputs["digest"]);
    await assert.rejects(
      delivery.update(operation(), { inputs: direct, outputs: first.outputs }, inputs({ timeout: 2 })),
      /through the bastion/,
    );
  });

  function connectionsTo(port: number): number {
    return establishedFrom(port)
      .split("\n")
      .filter((line) => line !== "").length;
  }
});
