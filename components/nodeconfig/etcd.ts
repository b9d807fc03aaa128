/** The etcd member of a machine. */
import type { ClusterSpec } from "../spec/cluster.js";
import {
  etcdCertificates,
  etcdDirectory,
  etcdWalDirectory,
  metadataFile,
  programDirectory,
  scriptPath,
  secretsDirectory,
} from "../contract/paths.js";
import { units } from "../contract/units.js";
import { etcdMetricsPort } from "../cloud/firewall.js";
import { cipherSuites } from "./base/tls.js";
import { maintainScript, maintainUnits } from "./scripts/maintain.js";
import { memberScript } from "./scripts/member.js";
import type { NodeConfig } from "./base/types.js";

type Spec = Pick<ClusterSpec, "name" | "etcd" | "logLevel">;

const gibibyte = 2 ** 30;

/**
 * Quota of the database in bytes: half of its disk, so that a snapshot and a defragmentation fit beside it, and at
 * most 8 GiB, beyond which etcd warns: https://etcd.io/docs/v3.6/dev-guide/limit/
 */
export function quotaBytes(data: number): number {
  return Math.min(8 * gibibyte, Math.floor((data * gibibyte) / 2));
}

/** Delivered and not part of user-data, so that it reaches members that run: etcd reads flags from variables too. */
export function etcdSettings({ etcd }: Pick<ClusterSpec, "etcd">): string {
  return `ETCD_QUOTA_BACKEND_BYTES=${quotaBytes(etcd.disks.data)}\n`;
}

/** https://etcd.io/docs/v3.6/op-guide/configuration/. The first members come from the environment: `cluster.env`. */
function flags(spec: Spec): readonly string[] {
  const address = "https://${PRIVATE_IPV4}";
  const tls = (prefix: string, name: string): string[] => [
    `--${prefix}cert-file=${etcdCertificates}/${name}.crt`,
    `--${prefix}key-file=${etcdCertificates}/${name}.key`,
    `--${prefix}trusted-ca-file=${etcdCertificates}/etcd-ca.crt`,
    `--${prefix}client-cert-auth`,
  ];
  return [
    "--name=${HOSTNAME}",
    `--data-dir=${etcdDirectory}`,
    // Below the mount point, which contains lost+found.
    ...(spec.etcd.disks.type === "volumes" ? [`--wal-dir=${etcdWalDirectory}/wal`] : []),
    `--log-level=${spec.logLevel.toLowerCase()}`,
    `--initial-cluster-token=${spec.name}`,
    `--listen-client-urls=${address}:2379,https://127.0.0.1:2379`,
    `--advertise-client-urls=${address}:2379`,
    `--listen-peer-urls=${address}:2380`,
    `--initial-advertise-peer-urls=${address}:2380`,
    // For clients with a certificate, as on the other ports; nodes reach this one only.
    `--listen-metrics-urls=${address}:${etcdMetricsPort}`,
    ...tls("", "server"),
    ...tls("peer-", "peer"),
    "--tls-min-version=TLS1.2",
    `--cipher-suites=${cipherSuites.join(",")}`,
    // API servers compact the history; this is for when none is running.
    "--auto-compaction-mode=periodic",
    "--auto-compaction-retention=1h",
    "--feature-gates=InitialCorruptCheck=true",
  ];
}

/** A member reports ready when it is part of a majority, which may take as long as the other members need. */
function unit(spec: Spec): string {
  const volumes = spec.etcd.disks.type === "volumes";
  return `[Unit]
Description=etcd member
Documentation=https://etcd.io/docs/
${volumes ? `Requires=${units.volume}\nAfter=${units.volume}\n` : ""}After=network-online.target ${units.metadata} ${units.install}
StartLimitIntervalSec=0

[Service]
Type=notify
TimeoutStartSec=infinity
User=etcd
Group=etcd
EnvironmentFile=${metadataFile}
EnvironmentFile=${secretsDirectory}/cluster.env
EnvironmentFile=${secretsDirectory}/etcd.env
ExecStartPre=+${scriptPath("member")}
ExecStart=${programDirectory}/etcd \\
  ${flags(spec).join(" \\\n  ")}
ExecStartPost=+${scriptPath("member")} serves
Restart=always
RestartSec=5
LimitNOFILE=65536
IOSchedulingClass=best-effort
IOSchedulingPriority=0
OOMScoreAdjust=-998
# Priority over everything else on the machine when CPU or I/O is short.
CPUWeight=1000
MemoryMin=${spec.etcd.memory}M
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths=${etcdDirectory}${volumes ? ` ${etcdWalDirectory}` : ""}
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
UMask=0077
`;
}

/** The activation starts the member; a timer keeps its database small. */
export function etcd(spec: Spec): Partial<NodeConfig> {
  return {
    files: [memberScript(), maintainScript()],
    units: [{ name: units.etcd, contents: unit(spec) }, ...maintainUnits],
  };
}
