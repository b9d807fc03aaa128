/**
 * Velero: backups of the cluster's objects in object storage (https://velero.io), with snapshots of volumes where the cluster makes them.
 * Without its agent on nodes: no other content of volumes.
 */
import type { ClusterSpec, LogLevel } from "../spec/cluster.js";
import type { Settings } from "../spec/settings/index.js";
import { type Addon, type AddonObject, image, type Pod, workers } from "./addon.js";
import { hasVolumeSnapshots, volumeSnapshots } from "./cloud/volumeSnapshots.js";
import { definitions } from "./manifests/manifests.js";

const name = "velero";
const pluginName = "velero-plugin-for-aws";
const metricsPort = 8085;
/** A user without a name or rights: the image's own has a name only, which cannot be shown to be another than root. */
const user = 65_532;

const accessKey = "velero:access_key_id";
const secretKey = "velero:secret_access_key";

/** Where Velero finds the keys of the bucket. It reads them each time it needs them, so that no pod is replaced when they change. */
const credentials = { name: "cloud-credentials", key: "cloud" };

type Own = Settings["addons"]["velero"];

/** As the file of AWS' own tools: any service that speaks S3 is reached with them. */
const credentialsFile = (id: string, secret: string): string =>
  `[default]\naws_access_key_id=${id}\naws_secret_access_key=${secret}\n`;

const logLevels: Readonly<Record<LogLevel, string>> = { ERROR: "error", WARN: "warning", INFO: "info", DEBUG: "debug" };

/** Days as Go writes durations. */
const days = (count: number): string => `${count * 24}h0m0s`;

/** The bucket. @param after Ids of the definitions. */
function location({ bucket, prefix, endpoint, path_style, ...own }: Own, after: readonly string[]): AddonObject {
  const region = own.region || (endpoint === undefined ? "" : "us-east-1");
  return {
    kind: "CustomResource",
    id: `${name}-location`,
    after,
    args: {
      apiVersion: "velero.io/v1",
      kind: "BackupStorageLocation",
      metadata: { name: "default", namespace: name },
      spec: {
        default: true,
        provider: "aws",
        credential: credentials,
        objectStorage: { bucket, ...(prefix === "" ? {} : { prefix }) },
        config: {
          ...(region === "" ? {} : { region }),
          ...(endpoint === undefined ? {} : { s3Url: endpoint }),
          s3ForcePathStyle: String(path_style),
        },
      },
    },
  };
}

/** Backups of the whole cluster, but for Velero's own objects: the keys of the bucket do not belong into it. */
function regular({ schedule, keep_days }: Own, volumes: boolean, after: readonly string[]): AddonObject {
  return {
    kind: "CustomResource",
    id: `${name}-schedule`,
    after,
    args: {
      apiVersion: "velero.io/v1",
      kind: "Schedule",
      metadata: { name: "regular", namespace: name },
      spec: {
        schedule,
        template: { excludedNamespaces: [name], snapshotVolumes: volumes, ttl: days(keep_days) },
      },
    },
  };
}

function pod(spec: ClusterSpec): Pod {
  const { keep_days } = spec.addons.velero;
  const probe = { httpGet: { path: "/metrics", port: metricsPort }, timeoutSeconds: 5 };
  return {
    securityContext: { runAsNonRoot: true, runAsUser: user, runAsGroup: user },
    initContainers: [
      { name: pluginName, image: image(spec, pluginName), volumeMounts: [{ name: "plugins", mountPath: "/target" }] },
    ],
    containers: [
      {
        name,
        image: image(spec, name),
        command: ["/velero"],
        args: [
          "server",
          `--log-level=${logLevels[spec.logLevel]}`,
          `--default-backup-ttl=${days(keep_days)}`,
          "--default-volumes-to-fs-backup=false",
          ...(hasVolumeSnapshots(spec) ? ["--features=EnableCSI"] : []),
          // Nobody needs its profiles.
          "--profiler-address=",
        ],
        env: [
          { name: "VELERO_NAMESPACE", value: name },
          { name: "VELERO_SCRATCH_DIR", value: "/tmp" },
          { name: "HOME", value: "/tmp" },
          // With the keys that it was given, and never with those of the machine.
          { name: "AWS_EC2_METADATA_DISABLED", value: "true" },
        ],
        ports: [{ name: "metrics", containerPort: metricsPort, protocol: "TCP" }],
        readinessProbe: { ...probe, periodSeconds: 5 },
        livenessProbe: { ...probe, initialDelaySeconds: 60, periodSeconds: 30, failureThreshold: 5 },
        volumeMounts: [
          { name: "plugins", mountPath: "/plugins", readOnly: true },
          { name: "scratch", mountPath: "/tmp" },
        ],
      },
    ],
    volumes: [
      { name: "plugins", emptyDir: {} },
      { name: "scratch", emptyDir: {} },
    ],
  };
}

export const velero: Addon = {
  name,
  needs: [workers],
  // It looks for the kinds of snapshots when it starts.
  after: [volumeSnapshots.name],
  runsOn: "workers",
  namespace: { name, podSecurity: "restricted" },
  partOf: ({ addons }) => addons.velero.enabled,
  // One: it does not elect a leader.
  replicas: () => 1,
  resources: ({ addons: { velero: own } }) => ({
    [pluginName]: { cpus: 0.01, memory: 32, limit: 128, init: true },
    [name]: { cpus: own.cpus, memory: own.mem, limit: own.mem_limit },
  }),
  secrets: {
    [accessKey]: "the id of the key with which Velero writes into the bucket; it does not use the machines' own rights",
    [secretKey]: "the secret of that key",
  },
  parts: ({ spec, secret }) => {
    const own = spec.addons.velero;
    const kinds = definitions(name);
    const ids = kinds.map(({ id }) => id);
    const file = secret(accessKey).apply((id) => secret(secretKey).apply((value) => credentialsFile(id, value)));
    return {
      // A restore makes objects of any kind, roles and bindings among them, which only someone may do who has all of their rights.
      rights: { existing: [{ kind: "ClusterRole", name: "cluster-admin" }] },
      pod: pod(spec),
      objects: [
        ...kinds,
        {
          kind: "Secret",
          id: `${name}-credentials`,
          args: { metadata: { name: credentials.name, namespace: name }, stringData: { [credentials.key]: file } },
        },
        location(own, ids),
        ...(own.schedule === "" ? [] : [regular(own, hasVolumeSnapshots(spec), ids)]),
      ],
      // Each has a finalizer, for the logs of the restore in the bucket.
      leftovers: [{ group: "velero.io", version: "v1", resource: "restores" }],
    };
  },
};
