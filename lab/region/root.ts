/**
 * A machine's root folder: a copy of the base's template, made ready to boot.
 *
 * What a machine in a container needs and a machine does not is done here and in the base, around the machine, and
 * never by the product's user-data. Here: plain files in place of the kernel settings that the kubelet sets, and of what
 * shows the hardware (the kernel's are the host's).
 */
import { existsSync, lstatSync, mkdirSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { MachineSpec } from "./spec.js";
import { hardwareScript } from "./hardware.js";
import { run } from "../process/run.js";

/** Kernel settings as the kubelet wants them; reading and writing them inside a machine reaches a file only. */
const kernelSettings: Readonly<Record<string, string>> = {
  "kernel/panic": "10",
  "kernel/panic_on_oops": "1",
  "vm/overcommit_memory": "1",
  "vm/panic_on_oom": "0",
  "kernel/keys/root_maxkeys": "1000000",
  "kernel/keys/root_maxbytes": "25000000",
};

const setupName = "corekube-lab-container.service";

const setupUnit = `[Unit]
Description=Kernel settings and hardware of this machine's own
DefaultDependencies=no
Before=sysinit.target systemd-sysctl.service corekube-lab-machine.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/etc/corekube-lab/setup

[Install]
WantedBy=sysinit.target
`;

const setupScript = `#!/bin/sh
set -u
mkdir -p /run/corekube-lab/sys
${Object.entries(kernelSettings)
  .map(([name, value]) => {
    const file = `/run/corekube-lab/sys/${name.replaceAll("/", ".")}`;
    return `if [ -e /proc/sys/${name} ]; then echo ${value} > ${file}; mount --bind ${file} /proc/sys/${name}; fi`;
  })
  .join("\n")}
${hardwareScript}
# Where the host withholds CAP_SYS_RESOURCE, no process can be made safer from the out-of-memory killer than it is, and
# runc fails to set it, so containerd must not request it.
limit=/etc/containerd/conf.d/98-corekube-lab.toml
if sh -c 'echo -1 > /proc/self/oom_score_adj' 2> /dev/null; then
  rm -f $limit
else
  mkdir -p /etc/containerd/conf.d
  printf 'version = 3\\n\\n[plugins."io.containerd.cri.v1.runtime"]\\nrestrict_oom_score_adj = true\\n' > $limit
fi
exit 0
`;

/** Fills an empty root from the template, with the machine's name in it. */
export async function fillRoot(template: string, root: string, machine: MachineSpec): Promise<void> {
  await run(["cp", "-a", "--", `${template}/.`, root]);
  // On a plain folder: an overlay on an overlay fails, should the region itself live on one.
  mkdirSync(join(root, "var/lib/containerd"), { recursive: true });
  const hostname = machine.hostname ?? machine.name;
  replace(join(root, "etc/hostname"), `${hostname}\n`);
  replace(join(root, "etc/hosts"), `127.0.0.1 localhost\n127.0.1.1 ${hostname}\n::1 localhost\n`);
  // Marks the first boot for systemd: presets are applied, an identity is made.
  replace(join(root, "etc/machine-id"), "uninitialized\n");
  for (const [path, text] of Object.entries(networkFiles)) replace(join(root, path), text);
  // As DHCP would say it to the machine's network.
  if (machine.names) {
    const { server, domain } = machine.names;
    const file = "etc/systemd/resolved.conf.d/10-corekube-lab.conf";
    replace(join(root, file), `[Resolve]\nDNS=${server}\nDomains=${domain}\n`);
  }
  const units = join(root, "etc/systemd/system");
  mkdirSync(units, { recursive: true });
  writeFileSync(join(units, setupName), setupUnit);
  // Units of the host's hardware, and the questions that systemd asks at a first boot.
  for (const unit of ["sys-kernel-debug.mount", "sys-kernel-tracing.mount", "systemd-firstboot.service"]) {
    if (!linkExists(join(units, unit))) symlinkSync("/dev/null", join(units, unit));
  }
  // The first boot disables whatever no preset names, so a link alone would not last.
  const presets = join(root, "etc/systemd/system-preset");
  mkdirSync(presets, { recursive: true });
  writeFileSync(join(presets, "05-corekube-lab.preset"), `enable ${setupName}\n`);
  mkdirSync(join(root, "etc/corekube-lab"), { recursive: true });
  writeFileSync(join(root, "etc/corekube-lab/setup"), setupScript, { mode: 0o755 });
}

/** The machine's network is complete before it boots: networkd leaves it alone, and no unit waits for it. */
const networkFiles: Readonly<Record<string, string>> = {
  "etc/systemd/network/10-corekube-lab.network": "[Match]\nName=eth0 eth1\n\n[Link]\nUnmanaged=yes\n",
  "etc/systemd/system/systemd-networkd-wait-online.service.d/10-corekube-lab.conf":
    "[Service]\nExecStart=\nExecStart=/bin/true\n",
};

/** Writes a file in the root without following a link out of it. */
function replace(path: string, text: string): void {
  if (linkExists(path)) unlinkSync(path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const linkExists = (path: string): boolean =>
  existsSync(path) || lstatSync(path, { throwIfNoEntry: false }) !== undefined;
