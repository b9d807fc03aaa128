/** `corekube kubeconfig`: what it does to a file. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { withContext, withoutContext } from "../../cli/kubeconfig.js";
import { kubeconfig } from "../../components/pki/kubeconfig.js";
import { exported, ImportedStack, secret } from "./support.js";

const entry = { cluster: { server: "https://203.0.113.1:6443" }, user: { "client-key-data": "a2V5" } };

const others = `# mine
apiVersion: v1
kind: Config
preferences: {colors: true}
clusters:
  - name: work # do not touch
    cluster: {server: https://work.example}
users:
- {name: work, user: {token: abc}}
contexts:
  - name: work
    context:
      cluster: work
      user: work
      namespace: team
current-context: work
`;

describe("a context in a kubeconfig", () => {
  it("is added to an empty file", () =>
    assert.deepEqual(parse(withContext("", "a-prod", entry, true)), {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "a-prod", cluster: entry.cluster }],
      users: [{ name: "a-prod", user: entry.user }],
      contexts: [{ name: "a-prod", context: { cluster: "a-prod", user: "a-prod" } }],
      "current-context": "a-prod",
    }));

  it("leaves other contexts, comments and unknown fields as they are", () => {
    const after = withContext(others, "a-prod", entry, false);
    assert.match(after, /^# mine\n/);
    assert.match(after, /- name: work # do not touch/);
    const { clusters, users, contexts, ...rest } = parse(after) as Record<string, unknown[]>;
    const { clusters: c, users: u, contexts: x, ...restBefore } = parse(others) as Record<string, unknown[]>;
    assert.deepEqual(rest, restBefore);
    assert.deepEqual([clusters?.slice(0, 1), users?.slice(0, 1), contexts?.slice(0, 1)], [c, u, x]);
    assert.equal(contexts?.length, 2);
  });

  it("becomes the current one only when asked", () => {
    const current = (select: boolean): unknown =>
      (parse(withContext(others, "a", entry, select)) as Record<string, unknown>)["current-context"];
    assert.equal(current(true), "a");
    assert.equal(current(false), "work");
  });

  it("changes nothing the second time", () => {
    const once = withContext(others, "a", entry, true);
    assert.equal(withContext(once, "a", entry, true), once);
  });

  it("is updated, and keeps a namespace that the user has set", () => {
    const once = withContext(others, "a", entry, true).replace("cluster: a\n", "cluster: a\n      namespace: web\n");
    const moved = { ...entry, cluster: { server: "https://203.0.113.2:6443" } };
    const after = parse(withContext(once, "a", moved, true)) as Record<string, { name: string }[]>;
    assert.deepEqual(after["clusters"]?.[1], { name: "a", cluster: moved.cluster });
    assert.deepEqual(after["contexts"]?.[1], { name: "a", context: { cluster: "a", namespace: "web", user: "a" } });
    assert.equal(after["users"]?.length, 2);
  });

  it("is removed without a trace, except a cluster and a user that another context has", () => {
    const once = withContext(others, "a", entry, true);
    assert.deepEqual(parse(withoutContext(once, "a")), { ...(parse(others) as object), "current-context": "" });
    const shared = once.replace("cluster: work\n", "cluster: a\n");
    const after = parse(withoutContext(shared, "a")) as Record<string, { name: string }[]>;
    assert.deepEqual(
      after["clusters"]?.map(({ name }) => name),
      ["work", "a"],
    );
    assert.deepEqual(
      after["users"]?.map(({ name }) => name),
      ["work"],
    );
    assert.equal(withoutContext(others, "a"), others);
  });

  for (const [what, text] of [
    ["a list", "- 1"],
    ["not YAML", "a: [token: geheim"],
    ["another kind of contexts", "contexts: {a: 1}"],
  ] as const)
    it(`refuses ${what} without quoting it`, () =>
      assert.throws(
        () => withContext(text, "a", entry, true),
        (error: Error) => /^it is /.test(error.message) && !error.message.includes("geheim"),
      ));
});

describe("corekube kubeconfig", function () {
  this.timeout(60_000);
  const stack = new ImportedStack();
  const own = kubeconfig({
    cluster: "kubernetes",
    server: "https://203.0.113.1:6443",
    certificateAuthority: "CA",
    user: "admin",
    clientCertificate: "CERTIFICATE",
    clientKey: "THE KEY",
  });
  const key = Buffer.from("THE KEY").toString("base64");
  const file = path.join(stack.engine.folder("home"), "sub", "config");

  before(async () => {
    await stack.create();
    await stack.import(exported([], { kubeconfig: secret(own) }));
  });
  after(() => stack.engine.remove());

  it("writes the file, readable by its owner only, and prints no key", async () => {
    const { code, stdout, stderr } = await stack.corekube(["kubeconfig", "--file", file]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, `context kubernetes-prod written to ${file}\n`);
    assert.equal(stdout, "");
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const written = parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    assert.equal(written["current-context"], "kubernetes-prod");
    assert.ok(readFileSync(file, "utf8").includes(key));
  });

  it("changes nothing when it is run again, and only the rights of a file that others can read", async () => {
    chmodSync(file, 0o644);
    const before = statSync(file);
    const { stderr } = await stack.corekube(["kubeconfig"], { KUBECONFIG: `/nowhere/config:${file}` });
    assert.equal(stderr, `context kubernetes-prod is as it should be in ${file}\n`);
    assert.deepEqual(
      [statSync(file).ino, statSync(file).mtimeMs, statSync(file).mode & 0o777],
      [before.ino, before.mtimeMs, 0o600],
    );
  });

  it("writes through a link, and leaves no other file behind", async () => {
    const real = path.join(stack.engine.folder("real"), "config");
    const link = path.join(stack.engine.folder("links"), "config");
    writeFileSync(real, others);
    symlinkSync(real, link);
    assert.equal((await stack.corekube(["kubeconfig", "--file", link, "--context", "c"])).code, 0);
    assert.ok(lstatSync(link).isSymbolicLink());
    assert.match(readFileSync(real, "utf8"), /name: c\n/);
    assert.deepEqual([readdirSync(path.dirname(real)), readdirSync(path.dirname(link))], [["config"], ["config"]]);
  });

  it("refuses a file that it cannot read as a kubeconfig, and one that kubectl is writing, and changes neither", async () => {
    const bad = path.join(stack.engine.folder("bad"), "config");
    writeFileSync(bad, "- no\n");
    const refused = await stack.corekube(["kubeconfig", "--file", bad]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /config: got a file that cannot be changed: .*; allowed: a kubeconfig\. Run: corekube/,
    );
    assert.equal(readFileSync(bad, "utf8"), "- no\n");
    writeFileSync(`${file}.lock`, "");
    const locked = await stack.corekube(["kubeconfig", "--file", file, "--context", "other"]);
    assert.equal(locked.code, 1);
    assert.match(locked.stderr, /config\.lock: got a lock/);
    assert.ok(existsSync(`${file}.lock`));
    assert.doesNotMatch(readFileSync(file, "utf8"), /other/);
  });

  it("prints it on demand only", async () => {
    const { stdout } = await stack.corekube(["kubeconfig", "--stdout"]);
    assert.equal(stdout, own);
  });

  it("removes it, also when the cluster is gone, and then there is nothing to remove", async () => {
    await stack.import(exported([]));
    const mine = path.join(stack.engine.folder("mine"), "config");
    writeFileSync(mine, withContext(others, "kubernetes-prod", entry, true));
    const { stderr } = await stack.corekube(["kubeconfig", "--file", mine, "--remove"]);
    assert.equal(stderr, `context kubernetes-prod removed from ${mine}\n`);
    assert.doesNotMatch(readFileSync(mine, "utf8"), /kubernetes-prod/);
    const again = await stack.corekube(["kubeconfig", "--file", mine, "--remove"]);
    assert.equal(again.stderr, `${mine} has no context kubernetes-prod\n`);
    const missing = await stack.corekube(["kubeconfig", "--file", mine]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /^stack: got no output kubeconfig; allowed: .*\. Run: pulumi up$/m);
  });

  it("names the stack that it does not find", async () => {
    const { code, stderr } = await stack.corekube(["kubeconfig", "--stack", "nowhere"]);
    assert.equal(code, 1);
    assert.match(stderr, /no stack named 'nowhere' found[\s\S]*Run: pulumi stack ls/);
  });
});
