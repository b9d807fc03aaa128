/** The units from the first boot to the machine's service. */
import { metadataFile, proxyFile, scriptPath, secretsDirectory, type ScriptName } from "../contract/paths.js";
import { completeFile } from "../contract/secretFiles.js";
import { units } from "../contract/units.js";
import { activateSeconds } from "./scripts/activate.js";
import { installSeconds } from "./scripts/install.js";
import { metadataSeconds } from "./scripts/metadata.js";
import { volumeSeconds } from "./scripts/volume.js";
import type { NodeUnit } from "./base/types.js";

/** Seconds between attempts. */
const restartSeconds = 10;

interface OneShot {
  readonly name: string;
  readonly description: string;
  /** Name of the script. */
  readonly script: ScriptName;
  /** Seconds. */
  readonly timeout: number;
  /** Units that come before. @default none */
  readonly after?: readonly string[];
  /** Runs only once the network is up. @default false */
  readonly online?: boolean;
  /** Environment files; with a leading dash the file may be missing. @default none */
  readonly environment?: readonly string[];
  /** Runs at every boot. @default true */
  readonly enabled?: boolean;
}

/**
 * Runs until it has succeeded once: what it needs may come minutes later at any boot, and nobody is there to start it again. So units do
 * not require each other, which would fail for good with the first attempt; each checks what it needs, and repeats. The provider tells a
 * unit that keeps failing from one that has only begun (provider/machine/unitStates.ts).
 */
function oneShot(unit: OneShot): NodeUnit {
  const enabled = unit.enabled ?? true;
  const after = (unit.after ?? []).join(" ");
  const online = unit.online ? "network-online.target" : "";
  const line = (key: string, value: string): string => (value.trim() === "" ? "" : `${key}=${value.trim()}\n`);
  return {
    name: unit.name,
    ...(enabled ? { enabled } : {}),
    contents: `[Unit]
Description=${unit.description}
${line("Wants", `${online} ${after}`)}${line("After", `${online} ${after}`)}StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
Restart=on-failure
RestartSec=${restartSeconds}
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
  after: [metadataUnit.name],
  environment: [metadataFile],
});

/** @param after Units of the role that come before its service, in addition to those of every role. */
export function activateUnits(after: readonly string[]): readonly NodeUnit[] {
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
      after: [metadataUnit.name, installUnit.name, ...after],
      environment: [metadataFile, `${secretsDirectory}/cluster.env`],
      enabled: false,
    }),
  ];
}
