/** The units that lead from the first boot to the machine's service. Their names are known to the delivery of secrets. */
import { metadataFile, scriptDirectory, secretsDirectory } from "../contract/paths.js";
import { proxyFile } from "./proxy.js";
import { activateSeconds } from "./scripts/activate.js";
import { installSeconds } from "./scripts/install.js";
import { metadataSeconds } from "./scripts/metadata.js";
import { volumeSeconds } from "./scripts/volume.js";
import type { NodeUnit } from "./types.js";

interface OneShot {
  readonly name: string;
  readonly description: string;
  /** Name of the script. */
  readonly script: string;
  /** Seconds. */
  readonly timeout: number;
  /** Units without whose success it cannot run. @default none */
  readonly requires?: readonly string[];
  /** Runs only once the network is up. @default false */
  readonly online?: boolean;
  /** Files with variables; a leading dash: the file may be missing. @default none */
  readonly environment?: readonly string[];
  /** Runs at every boot. @default true */
  readonly enabled?: boolean;
}

/** Runs once; tries inside the script and not by restarts, so that a failed unit has failed for good. */
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
${(unit.environment ?? []).map((file) => line("EnvironmentFile", file)).join("")}ExecStart=${scriptDirectory}/${unit.script}
${enabled ? "\n[Install]\nWantedBy=multi-user.target\n" : ""}`,
  };
}

export const metadataUnit = oneShot({
  name: "corekube-metadata.service",
  description: "What the cloud says of this machine",
  script: "metadata",
  timeout: metadataSeconds,
  online: true,
});

export const installUnit = oneShot({
  name: "corekube-install.service",
  description: "Release files",
  script: "install",
  timeout: installSeconds,
  online: true,
  environment: [`-${proxyFile}`],
});

export const volumeUnit = oneShot({
  name: "corekube-volume.service",
  description: "Volumes of etcd",
  script: "volume",
  timeout: volumeSeconds,
  requires: [metadataUnit.name],
  environment: [metadataFile],
});

/** @param requires Units of the role that come before its service, beside those of every role. */
export function activateUnits(requires: readonly string[]): readonly NodeUnit[] {
  return [
    {
      name: "corekube-secrets.path",
      enabled: true,
      contents: `[Unit]
Description=Delivery of secrets

[Path]
PathExists=${secretsDirectory}/complete
Unit=corekube-activate.service

[Install]
WantedBy=multi-user.target
`,
    },
    oneShot({
      name: "corekube-activate.service",
      description: "Use of the delivered secrets",
      script: "activate",
      timeout: activateSeconds,
      requires: [metadataUnit.name, installUnit.name, ...requires],
      // Workers have none.
      environment: [metadataFile, `-${secretsDirectory}/cluster.env`],
      enabled: false,
    }),
  ];
}
