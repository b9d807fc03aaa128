/** The command with the real program on the real engine: machines are made up, everything else is as in a cloud. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readEvent } from "../../engine/events.js";
import type { Plan } from "../../cli/plans/names.js";
import type { RunResult } from "../../lab/process/run.js";
import { tryRun } from "../../lab/process/run.js";
import { projectDirectory } from "../../lab/config.js";
import { DigitalOceanAccount } from "../stacks/account.js";
import { AccountStack } from "../stacks/stack.js";
import { corekube } from "./support.js";

describe("corekube on a stack of the program", function () {
  this.timeout(600_000);
  const folder = mkdtempSync(path.join(tmpdir(), "corekube-command-"));
  let account: DigitalOceanAccount;
  let stack: AccountStack;

  before(async () => {
    account = await DigitalOceanAccount.start(folder);
    stack = new AccountStack(account);
    await stack.create();
  });
  after(async () => {
    await account.close();
    stack.remove();
    rmSync(folder, { recursive: true });
  });

  const call = (...args: readonly string[]): Promise<RunResult> =>
    stack.with((env) => corekube([...args, "--stack", "ha"], env));
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
    assert.equal(Object.keys(steps(shown)).length, 3 + 3 * 3 + 2 + 2 + 2 + 2 + 1);
  });

  it("shows the whole cluster as deployed after plain pulumi up", async () => {
    const { code, output } = await stack.up();
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
    const shown = steps(await plan("show", "replace", "--machine", "kubernetes-worker-0"));
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
      await stack.type("pulumi config set log_level DEBUG");
      shown = await plan("show", "update");
      let reached = (): void => undefined;
      let release = (): void => undefined;
      const atSecond = new Promise<void>((resolve) => (reached = resolve));
      const seen = new Promise<void>((resolve) => (release = resolve));
      await stack.with(
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
});
