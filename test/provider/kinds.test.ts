import assert from "node:assert/strict";
import { resourceTypes } from "../../components/contract/resources.js";
import { kinds } from "../../provider/resources/index.js";
import { Delivery } from "../../provider/resources/delivery.js";
import { Join } from "../../provider/resources/join.js";
import { failedUnits, hasSucceeded, parseUnits } from "../../provider/machine/unitStates.js";
import { digest } from "../../provider/machine/deliveryFiles.js";
import { decode, encode, isUnknown, secretKeys, UNKNOWN, type Properties } from "../../provider/rpc/properties.js";
import { diffResponse } from "../../provider/rpc/differences.js";
import { changedInputs } from "../../provider/operation/inputs.js";
import { checkSettings, parseSettings, settingsChanges } from "../../provider/operation/settings.js";
import { fingerprint } from "../../provider/ssh/hostkey.js";

const access = { machine: "m", machineId: "1", host: "192.0.2.7", privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----" };
const delivery = { ...access, files: { "a.key": "1" } };
const join = {
  machine: "m",
  machineId: "1",
  host: "192.0.2.7",
  nodeName: "w-0",
  server: "https://10.0.0.1:6443",
  caCertificate: "-----BEGIN CERTIFICATE-----",
};

describe("inputs", () => {
  const deliveryKind = new Delivery();
  const joinKind = new Join();

  it("get their defaults", () => {
    assert.deepEqual(deliveryKind.check(delivery), {
      inputs: { ...delivery, port: 22, user: "core", timeout: 600 },
      failures: [],
    });
    assert.equal(joinKind.check(join).inputs["drainTimeout"], 300);
  });

  const wrong: [string, Properties, RegExp][] = [
    ["host", { host: "" }, /must not be empty/],
    ["timeout", { timeout: 0 }, /at least 1 s/],
    ["timeout", { timeout: 90_000 }, /at most 7200 s/],
    ["files", { files: { "../x": "1" } }, /letters, digits/],
    ["files", { files: { complete: "" } }, /written by the delivery itself/],
    ["colour", { colour: "red" }, /is not an input; the inputs are machine,/],
    ["privateKey", { privateKey: "ssh-ed25519 AAAA" }, /OpenSSH/],
  ];
  for (const [property, given, reason] of wrong) {
    it(`${property} ${JSON.stringify(given[property])} is refused`, () => {
      const { failures } = deliveryKind.check({ ...delivery, ...given });
      assert.deepEqual(
        failures.map((failure) => failure.property),
        [property],
      );
      assert.match(failures[0]?.reason ?? "", reason);
    });
  }

  it("server must be https, nodeName a Node's name", () => {
    assert.deepEqual(
      joinKind
        .check({ ...join, server: "http://x", nodeName: "A_b" })
        .failures.map((failure) => failure.property)
        .sort(),
      ["nodeName", "server"],
    );
  });

  it("that a preview does not know are let through", () => {
    const unknown: Properties = {
      machine: "m",
      machineId: UNKNOWN,
      host: UNKNOWN,
      privateKey: UNKNOWN,
      files: { "a.key": UNKNOWN },
    };
    assert.deepEqual(deliveryKind.check(unknown).failures, []);
    assert.deepEqual(deliveryKind.preview(undefined, unknown), {
      hostKey: UNKNOWN,
      digest: UNKNOWN,
      configuration: UNKNOWN,
      host: UNKNOWN,
    });
  });
});

describe("what machines of a role run", () => {
  const kind = kinds.get(resourceTypes.configuration)!;
  const of = (digest: string, contents: string): Properties => ({
    digest,
    files: { "/etc/a.conf": { mode: "644", contents } },
    links: { "/opt/bin/a": "/opt/a/a" },
  });

  it("shows the file that changes", () => {
    const [before, after] = [of("0123456789abcdef", "a\n"), of("fedcba9876543210", "b\n")];
    assert.deepEqual(
      kind.diff({ inputs: before, outputs: {} }, after).changes.map(({ path }) => path),
      ["digest", 'files["/etc/a.conf"]["contents"]'],
    );
    assert.deepEqual(kind.diff({ inputs: before, outputs: {} }, before).changes, []);
  });

  it("compares lists by what is in them, and shows the item that changes", () => {
    const paths = (before: string[], after: string[]): string[] =>
      changedInputs({ command: before }, { command: after }, new Set()).map(({ path, kind: how }) => `${how} ${path}`);
    assert.deepEqual(paths(["nft", "list"], ["nft", "list"]), []);
    assert.deepEqual(paths(["nft", "list"], ["nft", "delete"]), ["update command[1]"]);
    assert.deepEqual(paths(["nft"], ["nft", "-a"]), ["add command[1]"]);
    assert.deepEqual(paths(["nft", "-a"], ["nft"]), ["delete command[1]"]);
  });

  it("has paths, modes and digests in one form", () => {
    assert.deepEqual(kind.check(of("0123456789abcdef", "")).failures, []);
    const wrong = { digest: "x", files: { "etc/a": { mode: "0644", contents: "" } }, links: { "/a": "b" } };
    assert.deepEqual(
      [...new Set(kind.check(wrong).failures.map(({ property }) => property))],
      ["digest", "files", "links"],
    );
  });
});

describe("settings of the provider", () => {
  const key = "-----BEGIN OPENSSH PRIVATE KEY-----";
  it("may be none, or not known yet", () => {
    assert.deepEqual(checkSettings({ version: "0.1.0" }), { inputs: { version: "0.1.0" }, failures: [] });
    assert.deepEqual(checkSettings({ sshPrivateKey: UNKNOWN, kubeconfig: UNKNOWN }).failures, []);
  });
  it("name what is wrong with them", () => {
    const { failures } = checkSettings({ sshPrivateKey: "ssh-ed25519 AAAA", kubeconfig: "" });
    assert.deepEqual(failures.map(({ property }) => property).sort(), ["kubeconfig", "sshPrivateKey"]);
  });
  it("are not the stack's, which the engine hands to the provider of the project's name", () => {
    assert.deepEqual(checkSettings({ node_count: "2" }), { inputs: { node_count: "2" }, failures: [] });
    assert.deepEqual(settingsChanges({ node_count: "2" }, { node_count: "3" }), []);
    assert.deepEqual(parseSettings({ node_count: "2" }), {});
  });
  it("change in place: another key or kubeconfig replaces no provider, and so no worker", () => {
    const before = { version: "0.1.0", sshPrivateKey: key, kubeconfig: "a" };
    assert.deepEqual(settingsChanges(before, { ...before, version: "0.2.0" }), []);
    for (const kubeconfig of ["b", UNKNOWN] as const) {
      assert.deepEqual(settingsChanges(before, { ...before, kubeconfig }), [
        { path: "kubeconfig", kind: "update", replace: false },
      ]);
    }
  });
});

describe("differences", () => {
  const kind = new Delivery();
  const inputs = kind.check(delivery).inputs;
  const state = { inputs, outputs: { hostKey: "k", digest: digest(delivery.files) } };
  const look = (changed: Properties) =>
    kind
      .diff(state, { ...inputs, ...changed })
      .changes.map((change) => `${change.replace ? "replace" : change.kind} ${change.path}`);

  it("are none without a change", () => assert.deepEqual(look({}), []));
  it("another machine replaces, also one not known yet", () => {
    assert.deepEqual(look({ machineId: "2" }), ["replace machineId"]);
    // The engine asks so before it deletes a machine: only a replacement makes it drain the worker first.
    assert.deepEqual(look({ machineId: UNKNOWN }), ["replace machineId"]);
  });
  it("another address, key or time limit is applied in place", () => {
    assert.deepEqual(look({ host: "192.0.2.8", privateKey: "x", timeout: 1 }).sort(), [
      "update host",
      "update privateKey",
      "update timeout",
    ]);
  });
  it("a file is named, the others are not", () => {
    assert.deepEqual(look({ files: { "a.key": "2", "b.key": "1" } }), ['update files["a.key"]', 'add files["b.key"]']);
    const response = diffResponse(kind.diff(state, { ...inputs, files: { "a.key": "2", "b.key": "1" } }));
    assert.deepEqual(response.getDiffsList(), ["files"]);
  });
  it("an unfinished delivery is one, whatever a refresh made of it", () => {
    assert.deepEqual(kind.diff({ inputs, outputs: { hostKey: "k" } }, inputs).changes, [
      { path: "digest", kind: "update", input: false },
    ]);
  });
  it("a Join leaves before its successor comes", () => {
    const joined = new Join();
    const given = joined.check(join).inputs;
    const difference = joined.diff({ inputs: given, outputs: { nodeName: "w-0" } }, { ...given, machineId: UNKNOWN });
    assert.equal(difference.deleteBeforeReplace, true);
    assert.deepEqual(
      difference.changes.map((change) => change.replace),
      [true],
    );
  });
});

describe("property bags", () => {
  it("keep secrets and unknown values on the way", () => {
    const struct = encode({ key: { inner: "s" }, plain: [1, true, null], later: UNKNOWN }, new Set(["key"]));
    assert.deepEqual([...secretKeys(struct)], ["key"]);
    assert.deepEqual(decode(struct), { key: { inner: "s" }, plain: [1, true, null], later: UNKNOWN });
    assert.equal(isUnknown({ a: [UNKNOWN] }), true);
  });
});

describe("digest", () => {
  it("depends on names and contents, not on their order or on where one ends", () => {
    assert.equal(digest({ a: "1", b: "2" }), digest({ b: "2", a: "1" }));
    assert.notEqual(digest({ a: "1", b: "2" }), digest({ a: "1\nb\n1\n2" }));
    assert.notEqual(digest({ a: "1" }), digest({ b: "1" }));
  });
});

describe("units", () => {
  const text =
    "Id=a.service\nLoadState=loaded\nActiveState=failed\nResult=exit-code\nExecMainExitTimestampMonotonic=5\n\nId=b.service\nLoadState=not-found\nActiveState=inactive\n\nId=c.service\nLoadState=loaded\nActiveState=inactive\nResult=success\nExecMainExitTimestampMonotonic=0\n";
  it("are read, those that the machine lacks left out", () => {
    const units = parseUnits(text);
    assert.deepEqual(
      units.map((unit) => unit.name),
      ["a.service", "c.service"],
    );
    assert.deepEqual(
      failedUnits(units).map((unit) => unit.name),
      ["a.service"],
    );
    assert.equal(hasSucceeded(units, "b.service"), true);
    assert.equal(hasSucceeded(units, "c.service"), false, "it has not run yet");
  });
});

describe("steps of the boot", () => {
  const failedAfter = (name: string, restarts: number, sub = "auto-restart"): number =>
    failedUnits(
      parseUnits(
        `Id=${name}\nLoadState=loaded\nActiveState=activating\nSubState=${sub}\nResult=exit-code\nNRestarts=${restarts}\n`,
      ),
    ).length;

  it("may fail and be repeated, and count as failed after some attempts", () => {
    assert.equal(failedAfter("corekube-metadata.service", 0), 0, "the cloud's metadata may be late");
    assert.equal(failedAfter("corekube-metadata.service", 3), 1);
    assert.equal(failedAfter("corekube-metadata.service", 3, "start"), 0, "the next attempt has begun");
    assert.equal(failedAfter("kubelet.service", 50), 0, "it waits for its API server");
  });
});

describe("fingerprint", () => {
  it("is that of ssh-keygen -l", () => {
    // Both are ssh-keygen's own output.
    assert.equal(
      fingerprint("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILEECTQDwT6F48endWqttwsOR9CVOpnXgXnJ7ItW90Wh"),
      "SHA256:J9Fa+2qpjIaUc3MNIJAS3h7a2j8f+v26Q/TIEh26qqI",
    );
  });
});
