/**
 * Settings that change machines while they run: each reaches the machines that it concerns and no other, the preview says which, and what
 * runs there has it. Then changes that fail on a machine: the run ends there, the machine goes back, and the next run goes on.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { administratorKeysFile, configurationsDirectory } from "../../../components/contract/paths.js";
import type { CheckContext } from "../../../lab/cluster/context.js";
import { deploy } from "../../../lab/commands/up.js";
import { runEngine } from "../../../lab/engine/run.js";
import { tryRun } from "../../../lab/process/run.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { machineChanges } from "../support/changed.js";
import { changes, flagOf, roles, together, type Role, type Shows } from "../support/inPlace.js";
import { Scaling } from "../support/scale.js";
import { Turns } from "../support/turns.js";
import { Upgrades } from "../support/upgrade.js";

const stack = "dev";
describe("a setting that changes machines while they run", function () {
  this.timeout(900_000);
  const upgrades = new Upgrades(config, stack, progress);
  const scaling = new Scaling(config, stack, progress);
  const directory = mkdtempSync(join(tmpdir(), "corekube-keys-"));

  before(() => openRegion("digitalocean"));
  before(() =>
    deploy(config, stack, progress, {
      "corekube:node_count": 1,
      "corekube:public_node_count": 1,
      "corekube:etcd": { count: 3 },
    }),
  );
  after(async () => {
    rmSync(directory, { recursive: true });
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  /** Machines that the preview names, which must be those that the run then changes. */
  async function changed(set: () => Promise<void>): Promise<readonly string[]> {
    await set();
    const previewed = machineChanges(await scaling.changes());
    const turns = new Turns();
    await upgrades.up(turns.event);
    const names = [...turns.machines()].sort();
    assert.deepEqual(
      previewed,
      names.map((name) => `update ${name}`),
    );
    await upgrades.settled();
    return names;
  }
  const machinesOf = (context: CheckContext, reached: readonly Role[]): string[] =>
    context
      .machines()
      .filter(({ role }) => reached.includes(role))
      .map(({ name }) => name)
      .sort();

  /** @throws AssertionError when a machine shows it already, or not yet. */
  async function expectShown(context: CheckContext, shows: Shows, already: boolean): Promise<void> {
    for (const machine of context.machines()) {
      const [probe, value] = shows[machine.role] ?? [];
      if (probe === undefined) continue;
      const text = await probe(context, machine);
      assert.equal(
        value!.test(text),
        already,
        `${machine.name}: ${text}, ${already ? "expected" : "not yet"} ${value}`,
      );
    }
  }

  for (const { setting, value, reaches, shows } of changes)
    it(`${setting} reaches ${reaches.length === roles.length ? "all machines" : reaches.join(", ")}`, async () => {
      const context = await upgrades.context();
      await expectShown(context, shows, false);
      assert.deepEqual(await changed(() => upgrades.set({ [setting]: value })), machinesOf(context, reaches));
      await expectShown(context, shows, true);
    });

  it(`${together.map(({ setting }) => setting).join(", ")}: one run brings them all`, async () => {
    const context = await upgrades.context();
    for (const { shows } of together) await expectShown(context, shows, false);
    const all = Object.assign({}, ...together.map(({ setting, value }) => ({ [setting]: value }))) as Record<
      string,
      string
    >;
    assert.deepEqual(await changed(() => upgrades.set(all)), machinesOf(context, roles));
    for (const { shows } of together) await expectShown(context, shows, true);
  });

  it("ssh_public_keys reaches all machines, and so does a key's removal", async () => {
    const key = join(directory, "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    const context = await upgrades.context();
    const admitted = async (): Promise<string[]> => {
      const found = context.machines().map(async ({ name, public_ipv4 }) => {
        const options = [
          "IdentitiesOnly=yes",
          "BatchMode=yes",
          "StrictHostKeyChecking=no",
          "UserKnownHostsFile=/dev/null",
        ];
        const { code } = await tryRun(
          ["ssh", "-i", key, ...options.flatMap((option) => ["-o", option]), `core@${public_ipv4}`, "true"],
          { timeout: 30_000 },
        );
        return code === 0 ? [name] : [];
      });
      return (await Promise.all(found)).flat().sort();
    };
    const all = machinesOf(context, roles);
    assert.deepEqual(await admitted(), []);
    const set = (): Promise<void> => upgrades.set({ "ssh_public_keys[0]": readFileSync(`${key}.pub`, "utf8").trim() });
    assert.deepEqual(await changed(set), all);
    assert.deepEqual(await admitted(), all);
    assert.deepEqual(await changed(() => upgrades.set({ ssh_public_keys: "" })), all);
    assert.deepEqual(await admitted(), [], administratorKeysFile);
  });

  const machine = async (name: string): Promise<(command: string) => Promise<string>> => {
    const context = await upgrades.context();
    return (command) =>
      context.inMachine(
        context.machines().find((each) => each.name === name)!,
        command,
      );
  };

  it("an etcd member that does not start with it goes back, the run ends there, and taken back it ends where it began", async () => {
    const on = await machine("kubernetes-etcd-0");
    const dropin = "/etc/systemd/system/etcd.service.d/99-somebody.conf";
    await on(
      `mkdir -p $(dirname ${dropin}) && printf '[Service]\\nExecStartPre=+/bin/sh -c "! grep -q log-level=debug /etc/systemd/system/etcd.service"\\n' >${dropin} && systemctl daemon-reload`,
    );
    await upgrades.set({ log_level: "DEBUG" });
    const failure = await upgrades.fails();
    process.stdout.write(`${failure.replace(/^/gm, "      ")}\n`);
    assert.match(failure, /kubernetes-etcd-0/);
    assert.match(failure, /pulumi up/);
    assert.match(await on("systemctl is-active etcd; pidof etcd | xargs -I{} cat /proc/{}/cmdline"), /log-level=warn/);
    const context = await upgrades.context();
    assert.equal((await context.kubectl(["get", "--raw", "/readyz"])).trim(), "ok");
    const other = await machine("kubernetes-etcd-1");
    assert.doesNotMatch(
      await other("cat /proc/$(pidof etcd)/cmdline"),
      /log-level=debug/,
      "the next has not been touched",
    );
    await upgrades.set({ log_level: "WARN" });
    await upgrades.up();
    await upgrades.settled();
    await on(`rm ${dropin} && systemctl daemon-reload`);
  });

  it("a machine without room for it is not changed, the run ends there, and goes on once there is", async () => {
    const on = await machine("kubernetes-controller-0");
    const kept = "/run/corekube-test";
    await on(
      `mkdir -p ${kept} && mount -t tmpfs -o size=2m tmpfs ${kept} && cp -a ${configurationsDirectory}/. ${kept}/ && ` +
        `mount --bind ${kept} ${configurationsDirectory} && { cat /dev/zero >${configurationsDirectory}/full 2>/dev/null || true; }`,
    );
    await upgrades.set({ log_level: "ERROR" });
    const failure = await upgrades.fails();
    process.stdout.write(`${failure.replace(/^/gm, "      ")}\n`);
    assert.match(failure, /kubernetes-controller-0[\s\S]*No space left on device[\s\S]*pulumi up/);
    const context = await upgrades.context();
    assert.equal((await context.kubectl(["get", "--raw", "/readyz"])).trim(), "ok");
    assert.doesNotMatch(await flagOf("kube-apiserver", "--v")(context, context.machines("controller")[0]!), /=0/);
    await on(`rm ${configurationsDirectory}/full`);
    await upgrades.up();
    assert.match(await flagOf("kube-apiserver", "--v")(context, context.machines("controller")[0]!), /=0/);
    await upgrades.settled();
  });
});
