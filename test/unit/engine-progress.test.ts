import assert from "node:assert/strict";
import { readEvent, type EngineEvent, type StepMetadata } from "../../engine/events.js";
import { EngineProgress } from "../../engine/progress.js";
import { runWithEvents } from "../../engine/run.js";

const droplet = "digitalocean:index/droplet:Droplet";
const delivery = "corekube:machine:Delivery";
const step = (op: string, type: string, name: string): { metadata: StepMetadata } => ({
  metadata: { op, type, urn: `urn:pulumi:dev::corekube::corekube:etcd:Cluster$${type}::${name}` },
});
const urnOf = (type: string, name: string): string => step("", type, name).metadata.urn;

describe("progress of the engine", () => {
  const shown: string[] = [];
  let now = 0;
  let engine: EngineProgress;
  const begin = (op: string, type: string, name: string): void =>
    engine.event({ resourcePreEvent: step(op, type, name) });
  const end = (op: string, type: string, name: string): void => engine.event({ resOutputsEvent: step(op, type, name) });
  const say = (event: EngineEvent["diagnosticEvent"]): void => engine.event({ diagnosticEvent: event });

  beforeEach(() => {
    shown.length = 0;
    now = 0;
    engine = new EngineProgress(
      (line) => shown.push(line),
      () => now,
    );
  });

  it("shows running operations, longest first, and the duration of each resource", () => {
    begin("create", droplet, "kubernetes-etcd-0");
    now = 3000;
    begin("create", delivery, "kubernetes-etcd-0");
    now = 9000;
    assert.equal(
      engine.waiting(),
      "creating kubernetes-etcd-0 (Droplet), 9 s; creating kubernetes-etcd-0 (Delivery), 6 s",
    );
    end("create", droplet, "kubernetes-etcd-0");
    assert.deepEqual(shown, ["kubernetes-etcd-0 (Droplet) created in 9 s"]);
    assert.equal(engine.waiting(), "creating kubernetes-etcd-0 (Delivery), 6 s");
  });

  it("shows what a provider waits for, and forgets a resource that failed", () => {
    begin("create", "corekube:etcd:Cluster", "kubernetes");
    begin("create", delivery, "kubernetes-worker-2");
    say({
      urn: urnOf(delivery, "kubernetes-worker-2"),
      severity: "info",
      message: "waiting for kubelet\n",
      ephemeral: true,
    });
    now = 20_000;
    assert.equal(engine.waiting(), "creating kubernetes-worker-2 (Delivery), 20 s: waiting for kubelet");
    engine.event({ resOpFailedEvent: step("create", delivery, "kubernetes-worker-2") });
    assert.equal(engine.waiting(), "");
    assert.equal(engine.changes, 0);
    assert.deepEqual(shown, []);
  });

  it("counts creations, updates, both halves of replacements and deletions, components included", () => {
    for (const op of ["same", "read", "refresh", "replace"]) {
      begin(op, droplet, "kubernetes-worker-0");
      end(op, droplet, "kubernetes-worker-0");
    }
    assert.equal(engine.changes, 0);
    for (const op of ["create", "update", "delete", "create-replacement", "delete-replaced"]) {
      begin(op, droplet, "kubernetes-worker-0");
      end(op, droplet, "kubernetes-worker-0");
    }
    end("create", "corekube:workers:Workers", "kubernetes");
    assert.equal(engine.changes, 6);
    assert.equal(engine.waiting(), "");
  });

  it("reports warnings and errors once, with their resource, and keeps the errors for the end", () => {
    const urn = urnOf(delivery, "kubernetes-etcd-0");
    say({ severity: "warning", message: "using pulumi-resource-tls from $PATH at /somewhere\n" });
    say({ severity: "warning", message: "<{%fg 3%}>careful<{%reset%}>\n" });
    say({ urn, severity: "error", message: "etcd.service failed\n" });
    engine.event({ summaryEvent: { resourceChanges: { create: 3, same: 50 } } });
    assert.deepEqual(shown, [
      "warning: careful",
      "kubernetes-etcd-0 (Delivery): error: etcd.service failed",
      "resources: 3 create, 50 same",
    ]);
    assert.equal(engine.failure("warning: using ..."), "kubernetes-etcd-0 (Delivery): error: etcd.service failed");
  });

  it("falls back to standard error when no event says what went wrong", () =>
    assert.equal(engine.failure("error: no stack named 'dev' found\n"), "error: no stack named 'dev' found"));

  it("an error that many inputs waited for is shown with its cause alone", () => {
    const waiting = 'error serializing property "kubeconfig": error serializing property "size": ';
    say({ message: `<ref *1> [Error: ${waiting}failed to load checkpoint: EOF`, severity: "error" });
    assert.equal(engine.failure(""), "error: <ref *1> [Error: failed to load checkpoint: EOF");
  });
});

describe("the event stream of the engine", () => {
  it("drops debug messages, which hold secrets, and everything that is not an event", async () => {
    const events: EngineEvent[] = [];
    const lines = [
      "Updating (dev):",
      '{"diagnosticEvent":{"severity":"debug","message":"outputs: PRIVATE KEY"}}',
      '{"sequence":1,"cancelEvent":{}}',
      "{cut off",
    ];
    let command: readonly string[] = [];
    const run = await runWithEvents(
      (given, { onLine, env }) => {
        command = given;
        assert.equal(env?.["PULUMI_ENABLE_STREAMING_JSON_PREVIEW"], "true");
        for (const line of lines) onLine?.(line, "stdout");
        onLine?.('{"sequence":2}', "stderr");
        return Promise.resolve({ code: 255, stdout: "", stderr: "failed" });
      },
      ["preview"],
      { env: {}, onEvent: (event) => events.push(event) },
    );
    assert.deepEqual(events, [{ sequence: 1, cancelEvent: {} }]);
    assert.deepEqual(run, { code: 255, errors: "failed" });
    assert.deepEqual(command, ["pulumi", "preview", "--json", "--non-interactive", "--color", "never"]);
    assert.equal(readEvent("Updating (dev):"), undefined);
  });
});
