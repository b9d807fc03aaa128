/**
 * Who reads each file of a machine's configuration, and when: a change of it reaches a machine that runs because the reader is restarted,
 * reads it at each use, or is the activation's to restart. Every file of every role stands here, and the real script shows it.
 */
import assert from "node:assert/strict";
import { cloudNamed } from "../../components/clouds.js";
import { contentsOf } from "../../components/nodeconfig/base/placement.js";
import { complete } from "../../components/nodeconfig/configuration.js";
import { nodeConfig } from "../../components/nodeconfig/index.js";
import { merge, type NodeConfig, type NodeFile } from "../../components/nodeconfig/base/types.js";
import { roles, type Role } from "../../components/spec/cluster.js";
import { clusterSpec } from "../../infra/config.js";
import { clusters } from "../golden/support/specs.js";
import { ConfiguredMachine, machineScript } from "./support/configuredMachine.js";

/** What reads it anew each time: nothing is restarted. */
const atEachUse: readonly string[] = [];
/** The activation, which runs after each change, compares what the service has started with (scripts*.test.ts), or fills it in. */
const byTheActivation: readonly string[] = [];
const containerd = ["try-restart containerd.service"];

/** Path, and what is done when it changes. */
const readers: readonly (readonly [path: RegExp, calls: readonly string[], who: string])[] = [
  [/^\/etc\/modules-load\.d\//, ["restart systemd-modules-load.service"], "reads them when it starts"],
  [/^\/etc\/sysctl\.d\//, ["restart systemd-sysctl.service"], "reads them when it starts"],
  [/^\/etc\/systemd\/network\/.*\.network$/, ["networkctl reload"], "systemd-networkd"],
  [/^\/etc\/systemd\/network\/.*\.link$/, ["networkctl reload", "udevadm control --reload"], "systemd-udevd"],
  [/^\/etc\/systemd\/timesyncd\.conf\.d\//, ["try-restart systemd-timesyncd.service"], "reads it when it starts"],
  [/^\/etc\/containerd\/config\.toml$/, containerd, "reads it when it starts"],
  [/^\/etc\/systemd\/system\/containerd\.service\.d\//, containerd, "its unit"],
  [/^\/etc\/corekube\/proxy\.env$/, containerd, "containerd; the kubelet, by the activation; downloads, at each use"],
  [/^\/etc\/containerd\/certs\.d\//, atEachUse, "containerd, at each pull"],
  [
    /^\/etc\/corekube\/authorized_keys$/,
    ["update-ssh-keys -u core -A ignition /etc/corekube/authorized_keys"],
    "sshd reads the file that is made of it",
  ],
  [/^\/opt\/corekube\/bin\/metadata$/, ["restart corekube-metadata.service"], "writes a file that others start with"],
  [/^\/etc\/systemd\/system\/corekube-metadata\.service$/, ["restart corekube-metadata.service"], "the same"],
  [/^\/etc\/systemd\/system\/corekube-maintain\.timer$/, ["try-restart corekube-maintain.timer"], "its times"],
  [/^\/opt\/corekube\/installed\/cni-plugins$/, ["restart corekube-install.service"], "makes a link for each plugin"],
  [/^\/opt\/corekube\/installed\/(kubelet|kubectl|etcd)$/, byTheActivation, "the program itself"],
  [/^\/opt\/bin\//, byTheActivation, "the program itself"],
  [/^\/etc\/systemd\/system\/(kubelet|etcd)\.service$/, byTheActivation, "the service"],
  [/^\/etc\/corekube\/kubelet\.yaml$/, byTheActivation, "the kubelet, when it starts"],
  [/^\/etc\/corekube\/manifests\//, byTheActivation, "the kubelet, which watches what is made of them"],
  [/^\/opt\/corekube\/bin\/activate$/, byTheActivation, "it is this"],
  [/^\/etc\/systemd\/system\/corekube-(activate|approve)\.service$/, byTheActivation, "it is this, or restarts it"],
  [/^\/opt\/corekube\/bin\/(health|report|member|maintain)$/, atEachUse, "whoever runs it"],
  [/^\/etc\/systemd\/system\/corekube-(maintain|install)\.service$/, atEachUse, "systemd, at its next start"],
  [/^\/opt\/corekube\/bin\/install$/, atEachUse, "it has run before the switch"],
  [/^\/etc\/systemd\/system\/corekube-secrets\.path$/, atEachUse, "systemd, which was told to read its units"],
  [/^\/etc\/systemd\/system\/[a-z.-]+\.wants\//, atEachUse, "systemd, at the next boot; what is new is started"],
  [/^\/etc\/systemd\/system\/(locksmithd|update-engine|docker)\.(service|socket)$/, atEachUse, "masked"],
  // A restart would take the volumes away from a member that runs.
  [/^\/opt\/corekube\/bin\/volume$/, atEachUse, "at the next boot, and when a volume must be mounted again"],
  [/^\/etc\/systemd\/system\/corekube-volume\.service$/, atEachUse, "at the next boot"],
  [/^\/etc\/corekube\/directories$/, atEachUse, "the switch itself"],
];

/** What each change does. */
const always = [
  "daemon-reload",
  "reset-failed corekube-activate.service",
  "restart --no-block corekube-activate.service",
];

/** Settings that add files, beside those of the goldens. */
const everything = clusterSpec({
  "corekube:region": "fra1",
  "corekube:admin_cidrs": '["192.0.2.1/32"]',
  "corekube:http_proxy": "http://192.0.2.3:3128",
  "corekube:ntp_servers": '["192.0.2.4"]',
  "corekube:mirrors": '{"registries": {"ghcr.io": "http://192.0.2.9:5000"}}',
});
const configurationsOf = (role: Role): NodeConfig[] =>
  [...Object.values(clusters), everything].map((spec) => nodeConfig(spec, role, cloudNamed(spec.cloud).profile));

const paths = new Set(
  roles.flatMap((role) =>
    configurationsOf(role).flatMap((config) => {
      const { files, links } = contentsOf(config);
      return [...files.filter(({ once }) => !once), ...links].map(({ path }) => path);
    }),
  ),
);

describe("what reads the files of a machine", function () {
  this.timeout(60_000);

  it("is known of each of them, once, and nothing is listed that there is not", () => {
    const matching = (path: string) => readers.filter(([pattern]) => pattern.test(path));
    for (const path of paths) assert.equal(matching(path).length, 1, path);
    for (const [pattern] of readers)
      assert.ok(
        [...paths].some((path) => pattern.test(path)),
        String(pattern),
      );
  });

  const of = (path: string, value: string): NodeConfig =>
    complete(
      merge({
        directories: [{ path: "/etc/corekube", mode: 0o755 }],
        files: [...required(path), ...(isLink(path) ? [] : [text(path, value)])],
        links: isLink(path) ? [{ path, target: `/opt/corekube/releases/${value}` }] : [],
      }),
    );
  for (const path of paths) {
    if (path === "/etc/corekube/directories") continue;
    it(`is restarted, or need not be: ${path}`, () => {
      const machine = new ConfiguredMachine();
      try {
        machine.firstBoot(of(path, "1"));
        machine.deliver(of(path, "2"));
        const { result, output } = machine.change();
        assert.match(result, / ok$/, output);
        const [, expected] = readers.find(([pattern]) => pattern.test(path))!;
        assert.deepEqual(machine.calls.filter((call) => !always.includes(call)).sort(), [...expected].sort());
      } finally {
        machine.remove();
      }
    });
  }
});

const isLink = (path: string): boolean => /^\/opt\/(bin|corekube\/installed)\/|\.wants\//.test(path);
const required = (path: string): NodeFile[] =>
  [machineScript("health", "true"), machineScript("install", "true")].filter((file) => file.path !== path);
/** Any text may be a script here. */
const text = (path: string, value: string): NodeFile => ({ path, mode: 0o755, contents: `#!/bin/bash\n# ${value}\n` });
