/** The YAML of the pipelines, before the programs that read it elsewhere: actionlint, and GitLab's schema and rules. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { outputDirectory } from "../../ci/lib/command.js";
import { labConfig, projectDirectory } from "../../lab/config.js";
import { ensureTools, toolPath } from "../../lab/toolchain/index.js";
import { suites } from "../suites.js";
import { versions } from "../../lab/toolchain/versions.js";

const workflows = join(projectDirectory, ".github", "workflows");
const action = join(projectDirectory, ".github", "actions", "setup", "action.yaml");
const names = readdirSync(workflows);
const read = (name: string): string => readFileSync(join(workflows, name), "utf8");

interface Step {
  readonly uses?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly run?: string;
  readonly env?: Record<string, string>;
}
interface Job {
  readonly permissions?: Record<string, string>;
  readonly environment?: string;
  readonly steps: readonly Step[];
  readonly if?: string;
  readonly strategy?: { readonly matrix: { readonly suites: readonly string[] } };
  readonly "timeout-minutes"?: number;
}
interface Workflow {
  readonly on: Record<string, unknown>;
  readonly permissions: object;
  readonly concurrency?: { group: string; "cancel-in-progress": boolean };
  readonly jobs: Record<string, Job>;
}
const parsed = (name: string): Workflow => parse(read(name)) as Workflow;

/** Suites that run side by side on GitLab. */
const { test: gitlabTest } = parse(readFileSync(join(projectDirectory, ".gitlab-ci.yml"), "utf8")) as {
  test: { parallel: { matrix: readonly [{ SUITES: readonly string[] }] } };
};
const groups = gitlabTest.parallel.matrix[0].SUITES;

describe("ci: suites", () => {
  it("of GitLab and of GitHub are all suites of make test, each once", () => {
    const { strategy } = parsed("pull-request.yaml").jobs["test"]!;
    assert.deepEqual(strategy?.matrix.suites, groups);
    const all = suites.filter(({ soak }) => soak === undefined).map(({ name }) => name);
    assert.deepEqual(groups.flatMap((group) => group.split(" ")).sort(), all.sort());
  });
});

describe("ci: workflows of GitHub", function () {
  this.timeout(120_000);
  const config = labConfig();
  before(() => ensureTools(config, ["actionlint"], { report: () => undefined }));

  const lint = (file: string): { code: number | null; output: string } => {
    const result = spawnSync(toolPath(config, "actionlint"), ["-no-color", file], {
      cwd: projectDirectory,
      encoding: "utf8",
    });
    return { code: result.status, output: result.stdout + result.stderr };
  };

  for (const name of names) {
    it(`${name}: actionlint finds nothing`, () => {
      assert.deepEqual(lint(join(workflows, name)), { code: 0, output: "" });
    });

    it(`${name}: no permission but those of jobs, no job without a limit, none with more than it needs`, () => {
      const { permissions, jobs } = parsed(name);
      assert.deepEqual(permissions, {});
      for (const [job, { permissions: own, "timeout-minutes": limit }] of Object.entries(jobs)) {
        assert.equal(own?.["contents"], "read", job);
        assert.deepEqual(
          Object.entries(own ?? {})
            .filter(([, value]) => value === "write")
            .map(([key]) => key)
            .filter((key) => !["pull-requests", "issues", "id-token"].includes(key)),
          [],
          job,
        );
        assert.ok(limit !== undefined, job);
      }
    });
  }

  it("actionlint sees a mistake", () => {
    const folder = mkdtempSync(join(tmpdir(), "corekube-ci-"));
    try {
      writeFileSync(
        join(folder, "bad.yaml"),
        read("drift.yaml")
          .replace("runs-on:", "run-on:")
          .replace("run: ci/drift", "run: echo ${{ github.event.issue.title }}"),
      );
      assert.match(lint(join(folder, "bad.yaml")).output, /run-on[\s\S]*potentially untrusted/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("every action is pinned by commit, with its version beside it", () => {
    for (const file of [...names.map((name) => join(workflows, name)), action]) {
      for (const [line, uses = ""] of readFileSync(file, "utf8").matchAll(/^.*uses: (\S+).*$/gm)) {
        if (!uses.startsWith("./")) assert.match(line, /uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+/, file);
      }
    }
  });

  it("forks get no secrets, and no text of others gets into a command", () => {
    for (const name of names) {
      assert.ok(!("pull_request_target" in parsed(name).on), name);
      for (const { steps } of Object.values(parsed(name).jobs))
        for (const step of steps) assert.doesNotMatch(step.run ?? "", /\$\{\{/, `${name}: ${step.run ?? ""}`);
    }
    assert.match(parsed("pull-request.yaml").jobs["preview"]?.if ?? "", /head\.repo\.full_name == github\.repository/);
  });

  it("secrets are variables of single steps, and only of jobs in an environment", () => {
    for (const name of names) {
      assert.doesNotMatch(read(name).replace(/^ {10}[A-Z_]+: \$\{\{ secrets\.\w+.*\}\}$/gm, ""), /secrets\./, name);
      for (const job of Object.values(parsed(name).jobs))
        if (JSON.stringify(job).includes("secrets.")) assert.ok(job.environment, name);
    }
  });

  it("a deployment waits for the environment's approval, one at a time on a stack, and is never cut off", () => {
    const { concurrency, jobs } = parsed("deploy.yaml");
    assert.deepEqual(concurrency, { group: "stack-${{ vars.PULUMI_STACK }}", "cancel-in-progress": false });
    assert.equal(jobs["up"]?.environment, "deploy");
    // Of a group one run waits at most: another workflow in it would push a deployment out.
    for (const name of names)
      if (name !== "deploy.yaml") assert.doesNotMatch(parsed(name).concurrency?.group ?? "", /^stack-/);
  });

  it("a deployment leaves its timeline, also when it failed", () => {
    const { steps } = parsed("deploy.yaml").jobs["up"]!;
    const left = steps[steps.findIndex(({ run }) => run === "ci/up") + 1];
    assert.match(left?.uses ?? "", /^actions\/upload-artifact@/);
    assert.equal(left?.if, "always()");
    assert.equal(left?.with?.["path"], `${outputDirectory}/timeline.*`);
    assert.equal(left?.with?.["if-no-files-found"], "ignore", "a run that was refused has none");
  });

  it("the CLI is the one that the lab tests with", () => {
    assert.match(
      readFileSync(action, "utf8"),
      new RegExp(`pulumi-version: ${versions.toolchain.pulumi.replaceAll(".", "\\.")}\n`),
    );
    assert.match(
      readFileSync(join(projectDirectory, ".gitlab-ci.yml"), "utf8"),
      new RegExp(`image: pulumi/pulumi-nodejs:${versions.toolchain.pulumi.replaceAll(".", "\\.")}\n`),
    );
    assert.match(
      read("pull-request.yaml"),
      new RegExp(`go-version: ${versions.toolchain.go.replaceAll(".", "\\.")}\n`),
    );
  });

  it("shellcheck finds nothing in ci/start", () => {
    const result = spawnSync("shellcheck", [join(projectDirectory, "ci", "start")], { encoding: "utf8" });
    assert.equal(`${result.status} ${result.stdout}`, "0 ");
  });
});

describe("ci: pipeline of GitLab", function () {
  this.timeout(120_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-ci-"));
    const git = (...args: string[]): unknown =>
      execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], {
        cwd: folder,
        stdio: "ignore",
      });
    git("init", "--quiet", "--initial-branch=main");
    git("commit", "--quiet", "--allow-empty", "--message=x");
    git("remote", "add", "origin", "git@gitlab.example:group/corekube.git");
    copyFileSync(join(projectDirectory, ".gitlab-ci.yml"), join(folder, ".gitlab-ci.yml"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Jobs of a pipeline, with when they run; gitlab-ci-local checks GitLab's own schema before it evaluates the rules. */
  const jobs = (variables: Record<string, string>): string[] => {
    const program = join(projectDirectory, "node_modules", "gitlab-ci-local", "dist", "index.js");
    const given = Object.entries(variables).flatMap(([name, value]) => ["--variable", `${name}=${value}`]);
    const result = spawnSync(
      process.execPath,
      ["--import", join(__dirname, "support", "set-methods.mjs"), program, "--cwd", ".", "--list-csv", ...given],
      {
        cwd: folder,
        encoding: "utf8",
        env: { PATH: process.env["PATH"], HOME: folder, GCL_IGNORE_PREDEFINED_VARS: Object.keys(variables).join(",") },
      },
    );
    assert.equal(result.status, 0, result.stdout + result.stderr);
    const [header = "", ...rows] = result.stdout.split("\n").filter((line) => line.includes(";"));
    const columns = header.split(";");
    return rows
      .map((row) => row.split(";"))
      .map((cells) => `${cells[columns.indexOf("name")]} ${cells[columns.indexOf("when")]}`);
  };
  /** What tests a merge request: one job for each group of suites, after the tools are built. */
  const tests = ["tools on_success", ...groups.map((group) => `test: [${group}] on_success`)];
  const main = { CI_COMMIT_BRANCH: "main", CI_DEFAULT_BRANCH: "main" };

  it("a merge request: lint, tests, preview", () => {
    assert.deepEqual(
      jobs({
        CI_PIPELINE_SOURCE: "merge_request_event",
        CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "1",
        CI_PROJECT_ID: "1",
      }).sort(),
      ["lint on_success", "preview on_success", ...tests].sort(),
    );
  });

  it("a fork's merge request: nothing that needs secrets", () => {
    assert.deepEqual(
      jobs({
        CI_PIPELINE_SOURCE: "merge_request_event",
        CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "2",
        CI_PROJECT_ID: "1",
      }).sort(),
      ["lint on_success", ...tests].sort(),
    );
  });

  it("a merge: the plan, and up by hand", () => {
    assert.deepEqual(jobs({ ...main, CI_PIPELINE_SOURCE: "push" }), ["plan on_success", "up manual"]);
  });

  it("a schedule: drift only", () => {
    assert.deepEqual(jobs({ ...main, CI_PIPELINE_SOURCE: "schedule" }), ["drift on_success"]);
  });

  it("up is alone on its stack and never interrupted", () => {
    const { up } = parse(readFileSync(join(folder, ".gitlab-ci.yml"), "utf8")) as { up: Record<string, unknown> };
    assert.equal(up["resource_group"], "stack-$PULUMI_STACK");
    assert.equal(up["interruptible"], false);
    assert.ok(existsSync(join(projectDirectory, "ci", "up")));
  });

  it("up leaves its timeline, also when it failed", () => {
    const { up, ".stack": base } = parse(readFileSync(join(folder, ".gitlab-ci.yml"), "utf8")) as {
      up: { extends: string; artifacts?: object };
      ".stack": { artifacts: { paths: readonly string[]; when: string } };
    };
    assert.deepEqual([up.extends, up.artifacts], [".stack", undefined]);
    assert.deepEqual([base.artifacts.paths, base.artifacts.when], [[outputDirectory], "always"]);
  });

  it("a mistake is seen", () => {
    writeFileSync(
      join(folder, ".gitlab-ci.yml"),
      `${readFileSync(join(projectDirectory, ".gitlab-ci.yml"), "utf8")}\nbad:\n  script: [x]\n  when: sometimes\n`,
    );
    assert.throws(() => jobs({ ...main, CI_PIPELINE_SOURCE: "push" }), /when|schema|configuration/i);
  });
});
