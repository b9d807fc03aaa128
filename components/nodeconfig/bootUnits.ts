/** The units from the first boot to the machine's service. */
import { metadataFile, scriptPath, secretsDirectory, type ScriptName } from "../contract/paths.js";
import { completeFile } from "../contract/secretFiles.js";
import { units } from "../contract/units.js";
import { proxyFile } from "./base/proxy.js";
import { activateSeconds } from "./scripts/activate.js";
import { installSeconds } from "./scripts/install.js";
import { metadataSeconds } from "./scripts/metadata.js";
import { volumeSeconds } from "./scripts/volume.js";
import type { NodeUnit } from "./base/types.js";

interface OneShot {
  readonly name: string;
  readonly description: string;
  /** Name of the script. */
  readonly script: ScriptName;
  /** Seconds. */
  readonly timeout: number;
  /** Units that must have succeeded before. @default none */
  readonly requires?: readonly string[];
  /** Runs only once the network is up. @default false */
  readonly online?: boolean;
  /** Environment files; with a leading dash the file may be missing. @default none */
  readonly environment?: readonly string[];
  /** Runs at every boot. @default true */
  readonly enabled?: boolean;
}

/** Runs once. The script itself retries, so a failed unit has failed permanently. */
function oneShot(unit: OneShot): NodeUnit {
  const enabled = unit.enabled ?? true;
  const requires = (unit.requires ?? []).join(" ");
  const online = unit.online ? "network-online.target" : "";
  const line = (key: string, value: string): string => (value.trim() === "" ? "" : `${key}=${value.trim()}\n`);
  return {
    name: unit.name,
    ...(enabled ? { enabled } : {}),
    contents: `[Unit]
Description=${unit.description}
${line("Requires", requires)}${line("Wants", online)}${line("After", `${online} ${requires}`)}
[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=${unit.timeout}
${(unit.environment ?? []).map((file) => line("EnvironmentFile", file)).join("")}ExecStart=${scriptPath(unit.script)}
${enabled ? "\n[Install]\nWantedBy=multi-user.target\n" : ""}`,
  };
}

export const metadataUnit = oneShot({
  name: units.metadata,
  description: "Machine metadata from the cloud",
  script: "metadata",
  timeout: metadataSeconds,
  online: true,
});

export const installUnit = oneShot({
  name: units.install,
  description: "Installation of release files",
  script: "install",
  timeout: installSeconds,
  online: true,
  environment: [`-${proxyFile}`],
});

export const volumeUnit = oneShot({
  name: units.volume,
  description: "Mounts of etcd's volumes",
  script: "volume",
  timeout: volumeSeconds,
  requires: [metadataUnit.name],
  environment: [metadataFile],
});

/** @param requires Units of the role that come before its service, in addition to those of every role. */
export function activateUnits(requires: readonly string[]): readonly NodeUnit[] {
  return [
    {
      name: units.secrets,
      enabled: true,
      contents: `[Unit]
Description=Watch for delivered files

[Path]
PathExists=${secretsDirectory}/${completeFile}
Unit=${units.activate}

[Install]
WantedBy=multi-user.target
`,
    },
    oneShot({
      name: units.activate,
      description: "Activation of delivered files",
      script: "activate",
      timeout: activateSeconds,
      requires: [metadataUnit.name, installUnit.name, ...requires],
      environment: [metadataFile, `${secretsDirectory}/cluster.env`],
      enabled: false,
    }),
  ];
}
