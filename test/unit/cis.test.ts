/** The walk of the CIS benchmark: what it reads, and that each control can fail. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { controllerRules } from "../../components/nodeconfig/security/index.js";
import { weakSuites } from "../../lab/cis/controls/controlPlane.js";
import { policyGap } from "../../lab/cis/controls/logging.js";
import { exceptions } from "../../lab/cis/exceptions.js";
import { parseFile, parseFlags, parseMachine, type ClusterFacts } from "../../lab/cis/facts.js";
import { controls, summary, walk } from "../../lab/cis/index.js";
import { clusters } from "../golden/support/specs.js";

const nothing: ClusterFacts = {
  machines: [],
  kubeProxy: "",
  tokens: { "kubernetes.io/service-account-token": ["a/b"], "bootstrap.kubernetes.io/token": ["a/c"] },
};

describe("the CIS walk", () => {
  it("reads flags with one dash, with two, and without a value", () => {
    assert.deepEqual(
      [...parseFlags(["etcd", "--a=b=c", "-d", "--e-f=", "word"])],
      [
        ["a", "b=c"],
        ["d", "true"],
        ["e-f", ""],
      ],
    );
  });

  it("reads modes and owners, and leaves links out", () => {
    assert.deepEqual(parseFile("600 root:root f /etc/a b"), [
      { mode: 0o600, owner: "root:root", kind: "file", path: "/etc/a b" },
    ]);
    assert.deepEqual(
      parseFile("1777 59001:59001 d /run/x").map(({ mode, kind }) => [mode, kind]),
      [[0o1777, "directory"]],
    );
    assert.deepEqual(parseFile("777 root:root l /etc/corekube/secrets"), []);
    assert.deepEqual(parseFile("find: nonsense"), []);
  });

  it("reads what a machine tells", () => {
    const mark = "==corekube-cis==";
    const facts = parseMachine(
      "m",
      "etcd",
      `${mark}process etcd 232\netcd\n--name=x\n${mark}files\n700 etcd:etcd d /var/lib/etcd\n${mark}text /etc/a\nline\n`,
    );
    assert.deepEqual([facts.processes.get("etcd")?.user, facts.processes.get("etcd")?.flags.get("name")], [232, "x"]);
    assert.equal(facts.files.length, 1);
    assert.equal(facts.texts.get("/etc/a"), "line\n");
  });

  it("has each control once, and reasons only for controls", () => {
    const ids = controls.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const [id, reason] of Object.entries(exceptions)) {
      assert.ok(ids.includes(id), id);
      assert.ok(reason.length > 40, id);
    }
  });

  it("lets nothing pass on a cluster that shows nothing, but files that must not be there", () => {
    const passed = walk(nothing, {})
      .filter(({ result }) => result === "pass")
      .map(({ id }) => id);
    assert.deepEqual(passed, ["1.1.13", "1.1.14", "4.1.3", "4.1.4"]);
  });

  it("refuses an exception that is not needed", () => {
    const found = walk(nothing, { "1.1.13": "a reason" }).find(({ id }) => id === "1.1.13");
    assert.equal(found?.result, "FAIL");
  });

  it("has the number that the README gives; make check fails when a control fails", () => {
    const reasons = Object.keys(exceptions).length;
    const readme = readFileSync(join(__dirname, "../../README.md"), "utf8").replaceAll(/\s+/g, " ");
    assert.ok(
      readme.includes(
        `${controls.length - reasons} of ${controls.length} controls pass, ${reasons} have a written reason`,
      ),
      `${controls.length - reasons} of ${controls.length}, ${reasons}`,
    );
  });

  it("counts", () => {
    assert.equal(
      summary([{ result: "pass" }, { result: "exception" }, { result: "FAIL" }]),
      "1 of 3 controls pass, 1 have a written reason, 1 FAIL",
    );
  });

  it("tells weak cipher suites", () => {
    assert.deepEqual(
      weakSuites("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA,TLS_AES_128_GCM_SHA256"),
      ["TLS_RSA_WITH_AES_128_CBC_SHA"],
    );
    assert.deepEqual(weakSuites(""), [""]);
  });

  it("finds our audit policy right, and others not", () => {
    const policy = controllerRules(clusters.single)["audit.yaml"];
    assert.equal(policyGap(policy), undefined);
    assert.match(
      policyGap(policy.replace("level: Metadata", "level: RequestResponse")) ?? "",
      /secrets are logged at RequestResponse/,
    );
    assert.match(policyGap(policy.replace(/- level: Metadata\n$/, "")) ?? "", /pods are not logged/);
    assert.equal(policyGap(undefined), "there is no policy");
  });
});
