/** The script that changes a machine's configuration, run for real on a disk in a folder. */
import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { complete, configurationOf } from "../../components/nodeconfig/configuration.js";
import { machineConfiguration, nodeConfig } from "../../components/nodeconfig/index.js";
import { merge, type NodeConfig, type NodeFile } from "../../components/nodeconfig/base/types.js";
import { cloudNamed } from "../../components/clouds.js";
import { cases, clusters } from "../golden/support/specs.js";
import { ConfiguredMachine, machineScript } from "./support/configuredMachine.js";

interface Settings {
  readonly sysctl?: string;
  readonly health?: string;
  readonly install?: string;
  readonly files?: readonly NodeFile[];
  readonly units?: NodeConfig["units"];
}

const text = (path: string, contents: string): NodeFile => ({ path, mode: 0o644, contents });

/** Small, with the parts that the script knows of. */
const configuration = ({
  sysctl = "a = 1\n",
  health = "true",
  install = "true",
  files = [],
  units = [],
}: Settings = {}): NodeConfig =>
  complete(
    merge({
      directories: [{ path: "/etc/corekube", mode: 0o755 }],
      files: [
        machineScript("health", health),
        machineScript("install", install),
        text("/etc/sysctl.d/90-corekube.conf", sysctl),
        ...files,
      ],
      units: [{ name: "kubelet.service", contents: "[Service]\n" }, ...units],
    }),
  );

describe("a change of a machine's configuration", function () {
  this.timeout(60_000);
  let machine: ConfiguredMachine;
  beforeEach(() => {
    machine = new ConfiguredMachine();
  });
  afterEach(() => machine.remove());

  it("is one step for all files, and restarts what reads those that differ", () => {
    const first = machine.firstBoot(configuration());
    assert.equal(machine.verify(), first);
    const to = machine.deliver(configuration({ sysctl: "a = 2\n" }));
    assert.equal(machine.seen("/etc/sysctl.d/90-corekube.conf"), "a = 1\n", "not before it is applied");
    const { result, output } = machine.change();
    assert.equal(result, `${to} ok`, output);
    assert.equal(machine.seen("/etc/sysctl.d/90-corekube.conf"), "a = 2\n");
    assert.deepEqual(machine.calls, [
      "daemon-reload",
      "restart systemd-sysctl.service",
      "reset-failed corekube-activate.service",
      "restart --no-block corekube-activate.service",
    ]);
    assert.equal(machine.verify(), to.split(".")[0]);
    assert.equal(machine.has("/etc/corekube/change"), false);
    assert.equal(machine.seen("/etc/corekube/previous/etc/sysctl.d/90-corekube.conf"), "a = 1\n");
  });

  it("keeps two configurations, and the releases of both", () => {
    const release = (name: string): Pick<NodeConfig, "links"> => ({
      links: [{ path: "/opt/corekube/installed/kubelet", target: `/opt/corekube/releases/${name}` }],
    });
    const of = (name: string): NodeConfig => ({ ...configuration(), ...release(name) });
    const install = (name: string) => mkdirSync(machine.path(`/opt/corekube/releases/${name}`), { recursive: true });
    machine.firstBoot(of("kubelet-1"));
    install("kubelet-1");
    for (const name of ["kubelet-2", "kubelet-3"]) {
      install(name);
      machine.deliver(of(name));
      assert.match(machine.change().result, / ok$/);
    }
    const left = ["kubelet-1", "kubelet-2", "kubelet-3"].filter((name) =>
      machine.has(`/opt/corekube/releases/${name}`),
    );
    assert.deepEqual(left, ["kubelet-2", "kubelet-3"]);
    assert.equal(machine.has(`/etc/corekube/configurations/${configurationOf(of("kubelet-1")).digest}`), false);
  });

  it("brings new files and enabled units, and takes away those that are gone", () => {
    const timer = { name: "x.timer", enabled: true, contents: "[Timer]\n\n[Install]\nWantedBy=timers.target\n" };
    machine.firstBoot(configuration({ files: [text("/etc/old.conf", "old\n")] }));
    machine.deliver(configuration({ files: [text("/etc/new/new.conf", "new\n")], units: [timer] }));
    const { result, output } = machine.change();
    assert.match(result, / ok$/, output);
    assert.equal(machine.seen("/etc/new/new.conf"), "new\n");
    assert.equal(machine.has("/etc/old.conf"), false);
    assert.equal(machine.seen("/etc/systemd/system/timers.target.wants/x.timer"), timer.contents);
    assert.ok(machine.calls.includes("start --no-block x.timer"), machine.calls.join("\n"));
  });

  it("stops units that are gone, not enabled any more, or masked now, and no others; also on the way back", () => {
    const install = "[Install]\nWantedBy=timers.target\n";
    const timer = (name: string, enabled = true) => ({ name, ...(enabled ? { enabled } : {}), contents: install });
    const stopped = () => machine.calls.filter((call) => call.startsWith("stop")).sort();
    const units = [timer("gone.timer"), timer("off.timer"), timer("stays.timer")];
    machine.firstBoot(configuration({ units }));
    const masked = { name: "docker.service", masked: true } as const;
    machine.deliver(configuration({ units: [timer("off.timer", false), timer("stays.timer"), masked] }));
    assert.match(machine.change().result, / ok$/);
    assert.deepEqual(
      stopped(),
      ["docker.service", "gone.timer", "off.timer"].map((unit) => `stop --no-block ${unit}`),
    );
    machine.deliver(
      configuration({
        units: [timer("off.timer", false), timer("stays.timer"), masked, timer("new.timer")],
        health: "false",
      }),
    );
    assert.match(machine.change().result, / failed: /);
    assert.ok(stopped().includes("stop --no-block new.timer"), stopped().join());
    assert.ok(!stopped().some((call) => call.endsWith("stays.timer")));
  });

  it("goes back when the machine does not serve with it, and says why", () => {
    const first = machine.firstBoot(configuration());
    const to = machine.deliver(
      configuration({
        health: "echo 'kubelet is not ready: unknown flag'; exit 1",
        files: [text("/etc/new.conf", "")],
      }),
    );
    const { result, output } = machine.change();
    assert.match(
      result,
      new RegExp(`^${to} failed: it did not serve with the new configuration: kubelet is not ready: unknown flag$`),
      output,
    );
    assert.equal(machine.current, first);
    assert.equal(machine.verify(), first);
    assert.equal(machine.has("/etc/new.conf"), false);
    assert.equal(machine.calls.filter((call) => call === "restart --no-block corekube-activate.service").length, 2);
  });

  it("goes back at once when a service fails again and again", () => {
    const first = machine.firstBoot(configuration());
    machine.deliver(configuration({ health: "echo 'etcd is not ready'; exit 1" }));
    machine.program(
      "systemctl",
      `case "$*" in *NRestarts*etcd*) echo x >>/run/n; echo $(($(wc -l </run/n) * 3)) ;; *NRestarts*) echo 9 ;; show*) echo active ;; esac`,
    );
    machine.program("journalctl", "echo flag provided but not defined: -x");
    machine.program("sleep", "echo waited >>/run/calls");
    assert.match(machine.change().result, /: etcd\.service keeps failing: flag provided but not defined: -x/);
    assert.equal(machine.current, first);
    assert.ok(machine.calls.length < 3, machine.calls.join());
  });

  it("stays where the machine did not serve before either: there is nothing to go back to", () => {
    machine.firstBoot(configuration({ health: "echo away; exit 1" }));
    const to = machine.deliver(configuration({ health: "echo 'still away'; exit 1" }));
    assert.equal(machine.change().result, `${to} ok, and the machine does not serve, as before: still away`);
    assert.equal(machine.current, to);
  });

  it("does not begin with a configuration that is not complete, or whose releases cannot be had", () => {
    const first = machine.firstBoot(configuration());
    const cut = machine.deliver(configuration({ sysctl: "a = 3\n" }));
    rmSync(machine.path(`/etc/corekube/configurations/${cut}/etc/sysctl.d/90-corekube.conf`));
    assert.match(machine.change().result, /failed: .* is not complete$/);
    machine.deliver(configuration({ install: "echo loading; echo 'corekube-install: wrong checksum' >&2; exit 1" }));
    assert.match(machine.change().result, /failed: corekube-install: wrong checksum$/);
    assert.equal(machine.current, first);
    assert.deepEqual(machine.calls, []);
  });

  const pod = (image: string): NodeFile =>
    text("/etc/corekube/manifests/kube-scheduler.yaml", `spec:\n  containers:\n    - name: x\n      image: ${image}\n`);

  it("pulls images of the control plane before it switches, through the mirrors of the new configuration", () => {
    machine.firstBoot(configuration({ files: [pod("registry.k8s.io/a:1")] }));
    machine.program("ctr", `echo "ctr $* $(readlink /etc/corekube/current)" >>/run/calls`);
    const hosts = text("/etc/containerd/certs.d/registry.k8s.io/hosts.toml", "");
    const to = machine.deliver(configuration({ files: [pod("registry.k8s.io/a:2"), hosts] }));
    assert.match(machine.change().result, / ok$/);
    const from = configurationOf(configuration({ files: [pod("registry.k8s.io/a:1")] })).digest;
    assert.deepEqual(
      machine.calls.filter((call) => call.includes("pull")),
      [
        `ctr --namespace k8s.io images pull --hosts-dir /etc/corekube/configurations/${to}/etc/containerd/certs.d registry.k8s.io/a:2 /etc/corekube/configurations/${from}`,
      ],
    );
  });

  it("does not switch when an image cannot be pulled, but repairs a machine that does not serve", () => {
    for (const serves of [true, false]) {
      const other = new ConfiguredMachine();
      try {
        const first = other.firstBoot(configuration({ health: serves ? "true" : "exit 1" }));
        other.program("ctr", `case "$*" in *pull*) echo "a:2: not found" >&2; exit 1 ;; esac`);
        const to = other.deliver(configuration({ files: [pod("a:2")] }));
        const { result } = other.change();
        assert.equal(result, serves ? `${to} failed: cannot pull a:2: a:2: not found` : `${to} ok`);
        assert.equal(other.current, serves ? first : to);
      } finally {
        other.remove();
      }
    }
  });

  it("stays where it is when it cannot switch", () => {
    const first = machine.firstBoot(configuration());
    machine.deliver(configuration({ files: [text("/etc/taken", "")] }));
    mkdirSync(machine.path("/etc/taken/by-somebody"), { recursive: true });
    assert.match(machine.change().result, /failed: cannot switch/);
    assert.equal(machine.current, first);
  });

  for (const [when, switched] of [
    ["before", false],
    ["after", true],
  ] as const)
    it(`goes on after a reboot ${when} the switch`, () => {
      machine.firstBoot(configuration());
      const to = machine.deliver(configuration({ sysctl: "a = 4\n" }), "yes");
      if (switched) {
        rmSync(machine.path("/etc/corekube/current"));
        symlinkSync(`/etc/corekube/configurations/${to}`, machine.path("/etc/corekube/current"));
      }
      assert.equal(machine.change().result, `${to} ok`);
      assert.equal(machine.seen("/etc/sysctl.d/90-corekube.conf"), "a = 4\n");
      assert.ok(machine.calls.includes("restart systemd-sysctl.service"));
    });

  it("gives administrators' keys to their user, or takes them all", () => {
    const keys = (contents: string): NodeConfig =>
      configuration({ files: [text("/etc/corekube/authorized_keys", contents)] });
    machine.firstBoot(keys(""));
    for (const contents of ["ssh-ed25519 AAAA ada\n", ""]) {
      machine.deliver(keys(contents));
      assert.match(machine.change().result, / ok$/);
    }
    assert.deepEqual(
      machine.calls.filter((call) => call.startsWith("update-ssh-keys")),
      ["update-ssh-keys -u core -A ignition /etc/corekube/authorized_keys", "update-ssh-keys -u core -d ignition"],
    );
  });
});

describe("the digest of a machine's configuration", function () {
  this.timeout(60_000);
  let machine: ConfiguredMachine;
  beforeEach(() => {
    machine = new ConfiguredMachine();
  });
  afterEach(() => machine.remove());

  for (const { cluster, role, name } of cases)
    it(`is the same on the machine: ${name}`, () => {
      const spec = clusters[cluster];
      const { profile } = cloudNamed(spec.cloud);
      machine.firstBoot(nodeConfig(spec, role, profile));
      assert.equal(machine.verify(), machineConfiguration(spec, role, profile).digest);
    });

  const changes: readonly (readonly [string, (machine: ConfiguredMachine) => void])[] = [
    [
      "a file",
      (at) => writeFileSync(at.path(`/etc/corekube/configurations/${at.current}/etc/sysctl.d/90-corekube.conf`), "b\n"),
    ],
    ["a file more", (at) => writeFileSync(at.path(`/etc/corekube/configurations/${at.current}/etc/more`), "")],
    [
      "a path that leads elsewhere",
      (at) => {
        rmSync(at.path("/etc/sysctl.d/90-corekube.conf"));
        writeFileSync(at.path("/etc/sysctl.d/90-corekube.conf"), "a = 1\n");
      },
    ],
    ["a path that is gone", (at) => rmSync(at.path("/opt/corekube/bin"))],
  ];
  for (const [what, change] of changes)
    it(`is none after a change by hand: ${what}`, () => {
      machine.firstBoot(configuration());
      change(machine);
      assert.equal(machine.verify(), "");
    });
});
