/** The command with the real program on the real engine: machines are made up, everything else is as in a cloud. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { readEvent } from "../../engine/events.js";
import { restSeconds } from "../../cli/plans/durations.js";
import type { Plan } from "../../cli/plans/names.js";
import type { RunResult } from "../../lab/process/run.js";
import { tryRun } from "../../lab/process/run.js";
import { projectDirectory } from "../../lab/config.js";
import { ownStack } from "../stacks/ownStack.js";
import { corekube } from "./support.js";

describe("corekube on a stack of the program", function () {
  this.timeout(600_000);
  const own = ownStack("command");
  const { folder } = own;

  const call = (...args: readonly string[]): Promise<RunResult> =>
    own.stack.with((env) => corekube([...args, "--stack", "ha"], env));
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await call(...args);
    assert.equal(code, 0, `${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  };
  const plan = async (...args: readonly string[]): Promise<Plan> =>
    JSON.parse(await ok("plan", ...args, "--json")) as Plan;
  const steps = ({ phases }: Plan): Record<string, string> =>
    Object.fromEntries(
      phases.flatMap((phase) => phase.steps.map(({ name, part, state }) => [`${name}:[${part}]`, state])),
    );
  it("shows what is there before there is anything: every step is to be made", async () => {
    const [before, shown] = [await plan("status", "deploy"), await plan("show", "deploy")];
    assert.equal(before.state, "PENDING");
    assert.equal(shown.state, "WAITING");
    assert.deepEqual(steps(before), steps(shown));
    assert.ok(Object.values(steps(shown)).every((state) => state === "PENDING"));
    assert.equal(Object.keys(steps(shown)).length, 3 + 3 * 3 + 2 + 2 + 2 + 2 + 3);
    assert.equal(shown.seconds, 26 + 33 + 36 + restSeconds);
  });

  it("shows the whole cluster as deployed after plain pulumi up", async () => {
    const { code, output } = await own.stack.up();
    assert.equal(code, 0, output);
    for (const name of ["deploy", "recovery", "update"])
      assert.equal((await plan("status", name)).state, "COMPLETE", name);
    assert.equal((await plan("show", "update")).state, "COMPLETE");
    const uninstall = await plan("show", "uninstall");
    assert.equal(uninstall.state, "WAITING");
    assert.ok(Object.values(steps(uninstall)).every((state) => state === "PENDING"));
  });

  it("names the machines that the plan replace may be about, and shows what replacing one means", async () => {
    const { code, stderr } = await call("plan", "show", "replace", "--machine", "kubernetes-etcd-7");
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^machine: got "kubernetes-etcd-7"; allowed: kubernetes-etcd-0, .*kubernetes-public-0\. Run: corekube status/,
    );
    const replacement = await plan("show", "replace", "--machine", "kubernetes-worker-0");
    assert.equal(replacement.seconds, 30 + restSeconds);
    const shown = steps(replacement);
    assert.deepEqual(
      Object.keys(shown).filter((step) => shown[step] === "PENDING"),
      ["kubernetes-worker-0:[kubelet]", "kubernetes-worker-0:[kube-proxy]"],
    );
  });

  describe("while pulumi up changes the machines", () => {
    let shown: Plan;
    let during: Plan;
    let text: RunResult;
    const log = path.join(folder, "events");

    before(async () => {
      await own.stack.type("pulumi config set log_level DEBUG");
      shown = await plan("show", "update");
      assert.equal(shown.seconds, 3 * 16 + 3 * 57 + 9 + 9 + restSeconds);
      let reached = (): void => undefined;
      let release = (): void => undefined;
      const atSecond = new Promise<void>((resolve) => (reached = resolve));
      const seen = new Promise<void>((resolve) => (release = resolve));
      await own.stack.with(
        async (env) => {
          const up = `pulumi up --yes --skip-preview --json --non-interactive --stack ha > ${log}`;
          const run = tryRun(["bash", "-c", up], { env, cwd: projectDirectory });
          await Promise.race([atSecond, run]);
          const look = (...args: readonly string[]): Promise<RunResult> =>
            corekube(["plan", "status", "update", "--stack", "ha", ...args], env);
          during = JSON.parse((await look("--json")).stdout) as Plan;
          text = await look("--events", log);
          release();
          const { code, stdout, stderr } = await run;
          assert.equal(code, 0, stdout + stderr);
        },
        async (what) => {
          if (what !== "update kubernetes-etcd-1") return;
          reached();
          await seen;
        },
      );
    });

    it("said before that every machine would change", () =>
      assert.deepEqual(
        new Set(
          shown.phases
            .filter(({ name }) => ["etcd", "apiserver", "node", "public-node"].includes(name))
            .map(({ state }) => state),
        ),
        new Set(["PENDING"]),
      ));

    it("says which member is done, which is away, and what waits: from the state that the run writes", () => {
      const now = steps(during);
      assert.equal(during.state, "IN_PROGRESS");
      const etcd = Object.keys(now).filter((step) => step.includes("etcd"));
      assert.deepEqual(
        etcd.map((step) => now[step]),
        ["COMPLETE", "STARTED", "PENDING"],
      );
      for (const step of Object.keys(now).filter((each) => /kubelet|apiserver/.test(each)))
        assert.equal(now[step], "PENDING", step);
    });

    it("says the same from the engine's own log, and that a run is under way", () => {
      assert.equal(text.code, 0, text.stderr);
      assert.match(text.stdout, /kubernetes-etcd-0:\[peer\] \(COMPLETE\)/);
      assert.match(text.stdout, /kubernetes-etcd-1:\[peer\] \(STARTED\)/);
      assert.match(text.stderr, /a run of \S+ is under way since .*--watch --stack ha/);
    });

    it("ends as the engine's log says: what was shown before has changed, and nothing else", async () => {
      const changed = new Set(
        readFileSync(log, "utf8")
          .split("\n")
          .flatMap((line) => readEvent(line)?.resOutputsEvent?.metadata ?? [])
          .filter(({ op, type }) => op === "update" && /:(Delivery|Join)$/.test(type))
          .map(({ urn }) => urn.split("::").at(-1)),
      );
      const announced = new Set(
        shown.phases.flatMap((phase) =>
          phase.steps.filter(({ state, name }) => state === "PENDING" && /-\d$/.test(name)).map(({ name }) => name),
        ),
      );
      assert.deepEqual(announced, changed);
      const after = await plan("status", "update");
      assert.equal(after.state, "COMPLETE");
    });
  });

  describe("changing it", () => {
    const options = path.join(folder, "options.yaml");
    const timelines = path.join(folder, "timelines");
    const setting = async (): Promise<string> =>
      own.stack.with(async (env) =>
        (
          await tryRun(["pulumi", "config", "get", "log_level", "--stack", "ha"], { env, cwd: projectDirectory })
        ).stdout.trim(),
      );
    /** On a terminal of its own, where somebody types. */
    const onTerminal = (typed: string, ...args: readonly string[]): Promise<RunResult> =>
      own.stack.with((env) => {
        const command = [path.join(projectDirectory, "cli/bin/corekube"), ...args, "--stack", "ha"].join(" ");
        return tryRun(["script", "-qefc", command, "/dev/null"], { env, input: typed, timeout: 300_000 });
      });

    before(() => writeFileSync(options, "log_level: ERROR\n"));

    it("shows differences and plan, and changes nothing where nobody can be asked", async () => {
      const { code, stdout, stderr } = await call("update", "--options", options);
      assert.equal(code, 2, stderr);
      assert.match(
        stdout,
        /^Differences of the settings:\n~ log_level: DEBUG -> ERROR\n\nupdate \(serial strategy\) \(WAITING\)/,
      );
      assert.match(stdout, /kubernetes-etcd-0:\[peer\] \(PENDING\) change/);
      assert.match(stderr, /allowed: a terminal, or --yes\. Run: corekube update --options \S+ --stack ha --yes/);
      assert.equal(await setting(), "DEBUG");
    });

    it("changes nothing when the answer is no", async () => {
      const { code, stdout } = await onTerminal("no\n", "update", "--options", options);
      assert.equal(code, 1, stdout);
      assert.match(stdout, /Set this, and change the cluster as shown\? \[yes\/no\]/);
      assert.match(stdout, /nothing was changed/);
      assert.equal(await setting(), "DEBUG");
    });

    it("says what the program refuses, before anything is set", async () => {
      const wrong = path.join(folder, "wrong.yaml");
      writeFileSync(wrong, "node_count: -1\n");
      const { code, stderr } = await call("update", "--options", wrong, "--yes");
      assert.equal(code, 1);
      assert.match(stderr, /corekube:node_count: got -1; allowed: /);
      assert.doesNotMatch(stderr, /\n\s+at /);
      const unknown = await call("update", "--version", "1.2.3", "--yes");
      assert.equal(unknown.code, 1, unknown.stdout + unknown.stderr);
      assert.match(unknown.stderr, /corekube:kubernetes_version: got "1\.2\.3"; allowed: /);
      assert.match(await ok("versions"), /runs it/);
    });

    it("sets and changes after a yes: in the order of the plan, with a timeline as text and picture", async () => {
      const { code, stdout } = await onTerminal("yes\n", "update", "--options", options, "--timeline", timelines);
      assert.equal(code, 0, stdout);
      assert.equal(await setting(), "ERROR");
      assert.match(stdout, /update \(serial strategy\) \(COMPLETE\)/);
      assert.match(stdout, /away together at most: etcd 1, controller 1/);
      const files = readdirSync(timelines).sort();
      assert.deepEqual(
        files.map((file) => file.replace(/\d{8}T\d{6}Z/, "<time>")),
        ["ha-update-<time>.svg", "ha-update-<time>.txt"],
      );
      assert.match(readFileSync(path.join(timelines, files[1]!), "utf8"), /^kubernetes-etcd-0 .* changed in /);
      assert.equal((await plan("show", "update")).state, "COMPLETE");
      const again = await call("update", "--options", options, "--yes");
      assert.equal(again.stderr, "the settings are as wanted; nothing was changed\n");
    });

    it("replaces one machine and no other, and writes no file when told so", async () => {
      const droplets = async (): Promise<Map<string, string>> =>
        new Map(
          ((await own.account.holdings())["droplets"] as { id: number; name: string }[]).map(({ id, name }) => [
            name,
            String(id),
          ]),
        );
      const before = await droplets();
      const stdout = await ok("replace", "kubernetes-worker-0", "--yes", "--no-timeline");
      assert.match(stdout, /kubernetes-worker-0 .* replaced in /);
      const after = await droplets();
      assert.deepEqual([...after.keys()].sort(), [...before.keys()].sort());
      assert.deepEqual(
        [...after].filter(([name, id]) => before.get(name) !== id).map(([name]) => name),
        ["kubernetes-worker-0"],
      );
    });

    it("names the step that failed, and what to do", async () => {
      writeFileSync(options, "log_level: INFO\n");
      const { code, stdout, stderr } = await own.stack.with(
        (env) => corekube(["update", "--options", options, "--yes", "--no-timeline", "--stack", "ha"], env),
        async (what) => {
          if (what === "update kubernetes-controller-1") throw new Error("the disk is full");
        },
      );
      assert.equal(code, 1, stdout);
      assert.match(stdout, /kubernetes-controller-0:\[kube-apiserver\] \(COMPLETE\)/);
      assert.match(stdout, /kubernetes-controller-1:\[kube-apiserver\] \(ERROR\).*the disk is full/);
      assert.doesNotMatch(stdout, /kubernetes-worker-0:\[kubelet\] \(COMPLETE\)/);
      assert.match(stderr, /the disk is full[\s\S]*The next one goes on from there\. Run: pulumi up --stack ha/);
      const { code: failed, stdout: tree } = await call("plan", "status", "update");
      assert.match(tree, /kubernetes-controller-1:\[kube-apiserver\] \((ERROR|PENDING)\)/);
      assert.ok(failed === 1 || /PENDING/.test(tree));
    });
  });
});
