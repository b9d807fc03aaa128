/** ci/comment and ci/report against servers that speak as GitHub and GitLab do. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeForge, token } from "./support/forge.js";
import { script, type ScriptRun } from "./support/run.js";

for (const kind of ["github", "gitlab"] as const) {
  describe(`ci: ${kind}`, function () {
    this.timeout(120_000);
    let forge: FakeForge;
    let folder: string;
    beforeEach(async () => {
      forge = new FakeForge(kind);
      await forge.start();
      folder = mkdtempSync(join(tmpdir(), "corekube-ci-"));
    });
    afterEach(() => {
      forge.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const comment = (text: string, env: Record<string, string> = {}): Promise<ScriptRun> => {
      writeFileSync(join(folder, "preview.md"), text);
      return script("comment", ["--stack", "prod", "--file", join(folder, "preview.md")], {
        ...forge.environment,
        ...env,
      });
    };
    const report = (result: string, text: string): Promise<ScriptRun> => {
      writeFileSync(join(folder, "drift.md"), text);
      writeFileSync(
        join(folder, "drift.json"),
        JSON.stringify({ version: 1, stack: "prod", result, drifted: [], certificates: [] }),
      );
      return script("report", ["--from", folder], forge.environment);
    };

    it("makes one comment, and updates that one; others', and other stacks', stay", async () => {
      const planted = forge.add(forge.comments, "<!-- corekube preview of stack prod -->\nmine", "666");
      // More than a page before it.
      for (let number = 0; number < 120; number++) forge.add(forge.comments, "talk", "666");
      const staging = forge.add(forge.comments, "<!-- corekube preview of stack staging -->\nstaging", forge.self);
      const first = await comment("first");
      assert.equal(first.code, 0, first.output);
      assert.equal((await comment("second")).code, 0);
      const own = forge.comments.filter(({ body }) => /first|second/.test(body));
      assert.deepEqual(
        own.map(({ body }) => body),
        ["<!-- corekube preview of stack prod -->\nsecond"],
      );
      assert.equal(planted.body.endsWith("mine"), true);
      assert.equal(staging.body.endsWith("staging"), true);
      assert.equal(forge.writes.length, 2);
    });

    it("a wrong token fails, and is not shown", async () => {
      const wrong = "ghs_WrongToken0123456789";
      const run = await comment("text", { GITHUB_TOKEN: wrong, GITLAB_TOKEN: wrong });
      assert.equal(run.code, 1);
      assert.match(run.output, /401 .*\n?.*the token is wrong or has ended/);
      assert.ok(!run.output.includes(wrong));
      assert.deepEqual(forge.writes, []);
    });

    it("a token that got into the text is taken out", async () => {
      assert.equal((await comment(`leaked ${token}`)).code, 0);
      assert.match(forge.comments[0]?.body ?? "", /leaked \[secret\]$/);
    });

    it("the report opens an issue, updates it, and closes it when there is nothing to report", async () => {
      const others = forge.add(forge.issues, "<!-- corekube drift of stack prod -->\nplanted", "666", {
        label: "drift",
      });
      const first = await report("found", "firewall changed");
      assert.equal(first.code, 0, first.output);
      const issue = forge.issues.find(({ body }) => body.includes("firewall changed"));
      assert.match(issue?.title ?? "", /Drift or ending certificates in stack prod/);
      assert.equal(issue?.label, "drift");
      await report("failed", "no answer");
      assert.equal(forge.issues.length, 2);
      assert.match(issue?.body ?? "", /no answer/);
      assert.match(issue?.title ?? "", /fails/);
      await report("clean", "nothing");
      assert.equal(issue?.open, false);
      assert.equal(others.open, true);
      await report("clean", "nothing");
      assert.equal(forge.issues.length, 2);
    });
  });
}

describe("ci: what is missing is named", function () {
  this.timeout(120_000);
  const cases: readonly { name: string; args: string[]; env: Record<string, string>; says: RegExp }[] = [
    { name: "preview", args: [], env: {}, says: /no stack: set PULUMI_STACK or give --stack NAME/ },
    {
      name: "drift",
      args: ["--stack", "x", "--certificate-days", "many"],
      env: {},
      says: /--certificate-days: got "many", allowed is a whole number from 0 to 20000/,
    },
    {
      name: "up",
      args: ["--stack", "x", "--preview", "/nonexistent"],
      env: {},
      says: /\/nonexistent: is missing; make one with "ci\/preview --stack x"/,
    },
    { name: "comment", args: ["--stack", "x", "--file", "package.json"], env: {}, says: /which forge\?/ },
    {
      name: "comment",
      args: ["--stack", "x", "--file", "package.json"],
      env: { GITHUB_REPOSITORY: "a/b" },
      says: /GITHUB_TOKEN is not set/,
    },
    {
      name: "comment",
      args: ["--stack", "x", "--file", "package.json"],
      env: { GITHUB_REPOSITORY: "a/b", GITHUB_TOKEN: "x", GITHUB_API_URL: "http://forge.example" },
      says: /allowed is https/,
    },
    {
      name: "comment",
      args: ["--stack", "x", "--file", "package.json"],
      env: { GITHUB_REPOSITORY: "a/b", GITHUB_TOKEN: "x", GITHUB_REF: "refs/heads/main" },
      says: /give --number/,
    },
    {
      name: "report",
      args: ["--from", "/nonexistent"],
      env: {},
      says: /drift\.json: is missing; make one with ci\/drift/,
    },
    { name: "report", args: ["--token", "x"], env: {}, says: /Unknown option '--token'/ },
  ];
  for (const { name, args, env, says } of cases) {
    it(`${name} ${args.join(" ")} ${Object.keys(env).join(" ")}`, async () => {
      const run = await script(name, args, env);
      assert.equal(run.code, 1, run.output);
      assert.match(run.output, says);
      assert.doesNotMatch(run.output, /\n\s+at /, "no stack trace");
    });
  }

  for (const name of ["preview", "up", "drift", "comment", "report"]) {
    it(`ci/${name} --help lists the exit codes`, async () => {
      const run = await script(name, ["--help"]);
      assert.equal(run.code, 0);
      assert.match(run.output, new RegExp(`^ci/${name}: .*[\\s\\S]*Exit codes: 0`));
    });
  }
});
