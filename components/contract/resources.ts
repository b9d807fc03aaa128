/** The provider's resource types: their tokens and the shapes of their inputs. The program's arguments follow from the shapes. */
import { z } from "zod";
import { configurationShape } from "./configurations.js";
import { completeFile } from "./secretFiles.js";

export const resourceTypes = {
  delivery: "corekube:machine:Delivery",
  join: "corekube:machine:Join",
  readiness: "corekube:cluster:Readiness",
  immutableSettings: "corekube:cluster:ImmutableSettings",
  encryptionKeyGate: "corekube:cluster:EncryptionKeyGate",
  secretsReencryption: "corekube:cluster:SecretsReencryption",
  nodePods: "corekube:cluster:NodePods",
  leftovers: "corekube:cluster:Leftovers",
  nodeCleanup: "corekube:cluster:NodeCleanup",
  configuration: "corekube:machine:Configuration",
  releases: "corekube:cluster:Releases",
} as const;

const longestSeconds = 7_200;
const text = z.string().min(1, "must not be empty");
const seconds = (smallest: number) =>
  z
    .number()
    .int("must be a whole number of seconds")
    .min(smallest, `must be at least ${smallest} s`)
    .max(longestSeconds, `must be at most ${longestSeconds} s`);
const privateKey = z.string().includes("PRIVATE KEY", { message: "must be a private key in OpenSSH's format" });
const addresses = z.record(
  z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "a name may have lower-case letters, digits, dot and dash only"),
  z.string().regex(/^[0-9a-fA-F.:]+$/, "must be an IP address"),
);

/** Which machine a resource is for, and how it is reached. */
const machineShape = {
  /** The machine's name, for messages. */
  machine: text,
  /** The cloud's id of the machine. Another id is another machine: the resource is replaced. */
  machineId: text,
  /** Address or name at which the machine answers SSH from where the program runs. */
  host: text,
  /**
   * Address or name of the machine through which `host` is reached, for the same user with the same key; `:port` after it if that is
   * not 22. It need not be trusted: the connection that it forwards is authenticated by the machine itself. A change is tested by
   * connecting once.
   * @default none: `host` is reached directly
   */
  bastion: text.optional(),
  /** TCP port of its SSH server. @default 22 */
  port: z.number().int().min(1).max(65_535).default(22),
  /**
   * Seconds for everything, the machine's boot included, 1 to 7200. A unit that has failed permanently ends the wait earlier.
   * A change is only recorded.
   * @default 600
   */
  timeout: seconds(1).default(600),
  /**
   * Digest of the configuration that the machine runs; the run's plan has its content. Another one is applied in place.
   * @default whatever it was made with
   */
  configuration: configurationShape.digest.optional(),
};

/** A plain name, so that a delivery cannot write outside its directory. */
const fileName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export const deliveryShape = {
  ...machineShape,
  /** A user who may run `sudo -n`. @default core */
  user: text.default("core"),
  /** The user's private key in OpenSSH's format. Always kept as a secret. */
  privateKey,
  /**
   * File name to content, for the secrets directory: either all of them are written, each 0600 and owned by root, or none. Always kept
   * as a secret. Names have letters, digits, dot, dash and underscore; `complete` is reserved.
   */
  files: z.record(
    z
      .string()
      .regex(fileName, "a file's name may have letters, digits, dot, dash and underscore only")
      .refine((name) => name !== completeFile, `"${completeFile}" is written by the delivery itself`),
    z.string(),
  ),
  /** The machine's address in the private network, kept for the next run. */
  address: text.optional(),
  /**
   * Of an etcd member: every member's name to its address in the private network. Read when the member starts for the first time or
   * moves; a change of it alone changes nothing, because running members tell each other.
   */
  members: addresses.optional(),
  /** Of a controller: names and addresses that its API server must resolve. A change is written without a restart. */
  hosts: addresses.optional(),
  /**
   * Of a controller that has the API's own address, as without load balancers: that address, `https://host:6443`. Workers that have joined
   * get it as soon as the controller serves; a change of it alone changes nothing.
   */
  apiServer: z.url({ protocol: /^https$/, error: "must be the API's https:// address as workers reach it" }).optional(),
};

export const joinShape = {
  ...machineShape,
  /** The Node's name, which must be the machine's own; another one replaces the resource. */
  nodeName: z
    .string()
    .regex(
      /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
      "must be a Node's name: lower-case letters, digits, dash and dot, at most 253 characters",
    ),
  /** The API's address as the machine reaches it, `https://host:6443`. A change is applied in place. */
  server: z.url({ protocol: /^https$/, error: "must be the API's https:// address as the machine reaches it" }),
  /** The cluster's CA certificate in PEM. A change is applied in place. */
  caCertificate: z.string().includes("BEGIN CERTIFICATE", { message: "must be a certificate in PEM" }),
  /** Seconds for the pods to leave at deletion, 0 (do not drain) to 7200. @default 300 */
  drainTimeout: seconds(0).default(300),
  /**
   * Labels of the Node, name to value. Applied in place; a label that is no longer among them is removed, others are left alone.
   * @default none
   */
  labels: z.record(z.string(), z.string()).default({}),
  /** Taints of the Node, `key:effect` to value; the same rules. @default none */
  taints: z
    .record(
      z.string().regex(/^[^:]+:(NoSchedule|PreferNoSchedule|NoExecute)$/, "must be a key, a colon and an effect"),
      z.string(),
    )
    .default({}),
  /** The cluster installs the pod network itself. False: a Node that lacks only the pod network has joined. @default true */
  podNetwork: z.boolean().default(true),
};

export const readinessShape = {
  /** The API's address for administrators, `https://host:port`. A change is waited for again. */
  endpoint: z.url({ protocol: /^https$/, error: "must be an address such as https://203.0.113.10:6443" }),
  /** The cluster's CA certificate in PEM. */
  caCertificate: text,
  /** Seconds until it must answer, 1 to 7200. @default 600 */
  timeout: seconds(1).default(600),
};

export const nodePodsShape = {
  /** An administrator's. Always kept as a secret. */
  kubeconfig: text,
  /** Of the DaemonSet; another one replaces the resource. */
  namespace: text,
  /** Of the DaemonSet; another one replaces the resource. */
  name: text,
  /** Digest of its pods' template. A change is waited for. */
  template: text,
  /** Seconds until all nodes that can run pods must have such a pod, 1 to 7200. @default 600 */
  timeout: seconds(1).default(600),
};

/** Which objects: another kind or namespace replaces the resource. */
export const leftoversShape = {
  /** An administrator's. Always kept as a secret. */
  kubeconfig: text,
  /** Group and version of the kind, and its name in addresses of the API, such as `restores`. */
  group: text,
  version: text,
  resource: text,
  /** @default all namespaces, or none of them where the kind is the cluster's */
  namespace: text.optional(),
  /** Seconds in which they must be gone when the resource is deleted, 1 to 7200. @default 120 */
  timeout: seconds(1).default(120),
};

/** What is left on nodes: another namespace or name replaces the resource. */
export const nodeCleanupShape = {
  /** An administrator's. Always kept as a secret. */
  kubeconfig: text,
  /** Of the DaemonSet that cleans up. */
  namespace: text,
  name: text,
  /** Image that has the command, and the one of a pod that only waits. */
  image: text,
  pause: text,
  /** Run once on each node, in its network. Finding nothing is no error. */
  command: z.array(text).min(1),
  /** Seconds in which all nodes that can run pods must be clean when the resource is deleted, 1 to 7200. @default 300 */
  timeout: seconds(1).default(300),
};

/** Releases of the catalogue; none: not known yet. */
export const releasesShape = {
  kubernetesVersion: text.optional(),
  nodeVersion: text.optional(),
  emulatedVersion: text.optional(),
  image: text.optional(),
};

const encryptionKeyShape = {
  /** Number of the key, at least 1; at most one more or less than before. */
  number: z.number().int().min(1, "must be at least 1"),
  /** An administrator's. Always kept as a secret. */
  kubeconfig: text,
};

export const encryptionKeyGateShape = {
  ...encryptionKeyShape,
  /** Number of each key that API servers have to its fingerprint. Another fingerprint for a number that is there is refused. */
  fingerprints: z.record(z.string(), text),
};

export const secretsReencryptionShape = {
  ...encryptionKeyShape,
  /** Seconds for all Secrets, 1 to 7200. @default 3600 */
  timeout: seconds(1).default(3_600),
};

/** The provider's own configuration. */
export const providerShape = {
  /** A user of the workers who may run `sudo -n`. @default core */
  sshUser: text.optional(),
  /** The user's private key in OpenSSH's format. Always kept as a secret. */
  sshPrivateKey: privateKey,
  /** An administrator's kubeconfig that works from where the program runs, also at deletion. Always kept as a secret; never sent to a machine. */
  kubeconfig: text,
};
