/** What must be restarted when a file of a machine's configuration changes. */
import {
  administratorKeysFile,
  installedDirectory,
  proxyFile,
  scriptPath,
  unitDirectory,
} from "../../components/contract/paths.js";
import { units } from "../../components/contract/units.js";

/**
 * What reads a file only when it starts, by path: carried out where one of the paths has changed. Nothing else needs more: who reads each
 * file is in test/unit/readers.test.ts.
 */
const table: readonly (readonly [paths: string, command: string])[] = [
  ["/etc/modules-load[.]d/", "systemctl restart systemd-modules-load.service"],
  ["/etc/sysctl[.]d/", "systemctl restart systemd-sysctl.service"],
  ["/etc/systemd/network/", "networkctl reload"],
  // It sees new files by the time of their directory, which a switch does not change.
  ["/etc/systemd/network/.*[.]link$", "udevadm control --reload"],
  ["/etc/systemd/timesyncd[.]conf[.]d/", "systemctl try-restart systemd-timesyncd.service"],
  [
    `/etc/containerd/config[.]toml|${unitDirectory}/containerd[.]service[.]d/|${proxyFile}`,
    `systemctl try-restart ${units.containerd}`,
  ],
  [administratorKeysFile, "administrators"],
  [`${scriptPath("metadata")}|${unitDirectory}/${units.metadata}`, `systemctl restart ${units.metadata}`],
  // Its links to plugins, which it made before the switch.
  [`${installedDirectory}/cni-plugins`, `systemctl restart ${units.install}`],
  [`${unitDirectory}/${units.maintainTimer}`, `systemctl try-restart ${units.maintainTimer}`],
];

/** The same, each with a pattern of `grep -E` for whole paths. */
export const readers = table.map(([paths, command]): readonly [pattern: string, command: string] => [
  `^(${paths.replaceAll("/", "[/]")})`,
  command,
]);
