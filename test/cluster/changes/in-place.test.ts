/**
 * Settings that change machines while they run: each reaches the machines that it concerns and no other, the preview says which, and what
 * runs there has it. Then changes that fail on a machine: the run ends there, the machine goes back, and the next run goes on.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  administratorKeysFile,
  configurationsDirectory,
  proxyFile,
  registriesDirectory,
} from "../../../components/contract/paths.js";
import type { CheckContext } from "../../../lab/cluster/context.js";
import { deploy } from "../../../lab/commands/up.js";
import type { Machine } from "../../../lab/engine/outputs.js";
import { runEngine } from "../../../lab/engine/run.js";
import { tryRun } from "../../../lab/process/run.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { machineChanges } from "../support/changed.js";
import { Scaling } from "../support/scale.js";
import { Turns } from "../support/turns.js";
import { Upgrades } from "../support/upgrade.js";

const stack = "dev";
const roles = ["etcd", "controller", "worker", "public"] as const;
type Role = Machine["role"];

/** What a command prints on a machine. */
const prints =
  (command: string) =>
  async (context: CheckContext, machine: Machine): Promise<string> =>
    (await context.inMachine(machine, `${command} || true`)).trim();

interface Change {
  readonly setting: string;
  readonly value: string;
  readonly reaches: readonly Role[];
  /** What shows it on a machine of a role, and the value that it has then; on any other it must stay as it was. */
  readonly shows: Partial<
    Record<Role, readonly [(context: CheckContext, machine: Machine) => Promise<string>, RegExp]>
  >;
}

const flagOf = (program: string, flag: string) =>
  prints(`tr '\\0' '\\n' </proc/$(pidof ${program})/cmdline | grep -- '^${flag}='`);
const memoryOfPods = (context: CheckContext, { name }: Machine): Promise<string> =>
  context.kubectlValue("{.status.allocatable.memory}", "node", name);
const nodePorts = prints("sysctl -n net.ipv4.ip_local_reserved_ports");
const mirror = prints(`grep -h server ${registriesDirectory}/quay.io/hosts.toml`);
const mirrored = [mirror, /quay\.io/] as const;
const proxied = (program: string) => prints(`tr '\\0' '\\n' </proc/$(pidof ${program})/environ | grep '^https_proxy='`);

const changes: readonly Change[] = [
  {
    setting: "node_port_range",
    value: "30000-31000",
    reaches: ["controller", "worker", "public"],
    shows: {
      controller: [flagOf("kube-apiserver", "--service-node-port-range"), /=30000-31000$/],
      worker: [nodePorts, /^30000-31000$/],
      public: [nodePorts, /^30000-31000$/],
    },
  },
  {
    setting: "reserved_resources.kube_mem",
    value: "2000",
    reaches: ["worker"],
    shows: { worker: [memoryOfPods, /^2000Mi$/] },
  },
  {
    setting: 'mirrors.registries["quay.io"]',
    value: "http://198.18.16.1:5000/quay.io",
    reaches: ["controller", "worker", "public"],
    shows: { controller: mirrored, worker: mirrored, public: mirrored },
  },
  {
    setting: "https_proxy",
    value: "http://proxy.example:3128",
    reaches: roles,
    shows: {
      etcd: [prints(`grep '^https_proxy=' ${proxyFile}`), /=http:\/\/proxy\.example:3128$/],
      controller: [proxied("containerd"), /=http:\/\/proxy\.example:3128$/],
      worker: [proxied("kubelet"), /=http:\/\/proxy\.example:3128$/],
      public: [proxied("containerd"), /=http:\/\/proxy\.example:3128$/],
    },
  },
  {
    setting: "etcd.data_disk",
    value: "4096",
    reaches: ["etcd"],
    shows: {
      etcd: [
        prints("tr '\\0' '\\n' </proc/$(pidof etcd)/environ | grep ^ETCD_QUOTA_BACKEND_BYTES="),
        new RegExp(`=${2048 * 1_000_000}$|=${2048 * 1_048_576}$`),
      ],
    },
  },
  {
    setting: "apiserver.mem",
    value: "900",
    reaches: ["controller"],
    shows: {
      controller: [
        (context) =>
          context.kubectlValue(
            "{.items[0].spec.containers[0].resources.requests.memory}",
            ...["pods", "-n", "kube-system", "-l", "component=kube-apiserver"],
          ),
        /^900M/,
      ],
    },
  },
];

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

  for (const { setting, value, reaches, shows } of changes)
    it(`${setting} reaches ${reaches.length === roles.length ? "all machines" : reaches.join(", ")}`, async () => {
      const context = await upgrades.context();
      const shown = async (): Promise<Record<string, string>> =>
        Object.fromEntries(
          await Promise.all(
            context.machines().flatMap((machine) => {
              const [probe] = shows[machine.role] ?? [];
              return probe === undefined ? [] : [probe(context, machine).then((text) => [machine.name, text])];
            }),
          ),
        ) as Record<string, string>;
      for (const [name, text] of Object.entries(await shown()))
        assert.doesNotMatch(
          text,
          shows[context.machines().find((each) => each.name === name)!.role]![1],
          `${name} before: ${text}`,
        );
      assert.deepEqual(await changed(() => upgrades.set({ [setting]: value })), machinesOf(context, reaches));
      for (const [name, text] of Object.entries(await shown()))
        assert.match(text, shows[context.machines().find((each) => each.name === name)!.role]![1], `${name}: ${text}`);
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
    assert.match(await on("systemctl is-active etcd; pidof etcd | xargs -I{} cat /proc/{}/cmdline"), /log-level=info/);
    const context = await upgrades.context();
    assert.equal((await context.kubectl(["get", "--raw", "/readyz"])).trim(), "ok");
    const other = await machine("kubernetes-etcd-1");
    assert.doesNotMatch(
      await other("cat /proc/$(pidof etcd)/cmdline"),
      /log-level=debug/,
      "the next has not been touched",
    );
    await upgrades.set({ log_level: "" });
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
    await upgrades.set({ log_level: "WARN" });
    const failure = await upgrades.fails();
    process.stdout.write(`${failure.replace(/^/gm, "      ")}\n`);
    assert.match(failure, /kubernetes-controller-0[\s\S]*No space left on device[\s\S]*pulumi up/);
    const context = await upgrades.context();
    assert.equal((await context.kubectl(["get", "--raw", "/readyz"])).trim(), "ok");
    assert.doesNotMatch(await flagOf("kube-apiserver", "--v")(context, context.machines("controller")[0]!), /=1/);
    await on(`rm ${configurationsDirectory}/full`);
    await upgrades.up();
    assert.match(await flagOf("kube-apiserver", "--v")(context, context.machines("controller")[0]!), /=1/);
    await upgrades.settled();
  });
});
