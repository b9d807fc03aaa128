/** Pods, wherever they are described. */
import type { Case, Given } from "../support/case.js";

const digest = `@sha256:${"0a".repeat(32)}`;

function container(name: string, extra: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name,
    image: `registry.k8s.io/coredns/coredns:v1.14.7${digest}`,
    securityContext: { privileged: false, capabilities: { add: ["NET_ADMIN"] } },
    ...extra,
  };
}

const spec = (): Record<string, unknown> => ({
  hostNetwork: true,
  initContainers: [container("first")],
  containers: [container("main")],
  volumes: [{ name: "work", emptyDir: {} }],
});
const template = (): object => ({ metadata: { labels: { app: "x" } }, spec: spec() });
const selector = { matchLabels: { app: "x" } };

function workload(kind: string, body: object, namespace: string | undefined = "web"): Given {
  const group = kind === "Pod" ? "core/v1" : kind.endsWith("Job") ? "batch/v1" : "apps/v1";
  return {
    type: `kubernetes:${group}:${kind}`,
    name: kind.toLowerCase(),
    props: {
      metadata: { name: `~-${kind.toLowerCase()}`, ...(namespace === undefined ? {} : { namespace }) },
      spec: body,
    },
  };
}

/** One of each kind, with the path to its pod. */
const kinds: readonly (readonly [resource: Given, path: string])[] = [
  [workload("Pod", spec()), "spec"],
  [workload("DaemonSet", { selector, template: template() }), "spec/template/spec"],
  [workload("Deployment", { selector, template: template() }, undefined), "spec/template/spec"],
  [workload("StatefulSet", { serviceName: "x", selector, template: template() }), "spec/template/spec"],
  [workload("Job", { template: template() }), "spec/template/spec"],
  [
    workload("CronJob", { schedule: "@daily", jobTemplate: { spec: { template: template() } } }),
    "spec/jobTemplate/spec/template/spec",
  ],
];

/** System pods, in the namespace where such pods are allowed. */
function system(pod: Record<string, unknown>): Given {
  const body = { selector, template: { metadata: { labels: { app: "x" } }, spec: { ...spec(), ...pod } } };
  return { ...workload("DaemonSet", body, "kube-system"), name: "system" };
}

const volume: Given = {
  type: "kubernetes:core/v1:PersistentVolume",
  name: "disk",
  props: {
    metadata: { name: "~-disk" },
    spec: {
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "1Gi" },
      csi: { driver: "ebs.csi.aws.com", volumeHandle: "vol-1" },
    },
  },
};

/** The same single change of each kind. */
function each(rule: string, title: string, at: string, value: unknown, says: RegExp): Case[] {
  return kinds.map(([resource, path]) => ({
    rule,
    title: resource.name,
    resources: [resource],
    breaks: [{ title, change: { path: `${resource.name}/props/${path}/${at}`, value }, says }],
  }));
}

const [pod] = kinds[0]!;
const inPod = (at: string): string => `pod/props/spec/${at}`;
const elsewhere = { path: "system/props/metadata/namespace", value: "web" };

export const podCases: readonly Case[] = [
  ...each(
    "no-privileged-pods",
    "privileged",
    "containers/0/securityContext/privileged",
    true,
    /containers\[0\]\.securityContext\.privileged: is true in namespace (?:web|default)/,
  ),
  {
    rule: "no-privileged-pods",
    title: "other ways",
    resources: [pod, system({ containers: [container("main", { securityContext: { privileged: true } })] })],
    breaks: [
      {
        title: "first container",
        change: { path: inPod("initContainers/0/securityContext/privileged"), value: true },
        says: /spec\.initContainers\[0\]/,
      },
      {
        title: "the node's processes",
        change: { path: inPod("hostPID"), value: true },
        says: /spec\.hostPID: is true/,
      },
      {
        title: "a capability as good",
        change: { path: inPod("containers/0/securityContext/capabilities/add"), value: ["SYS_ADMIN"] },
        says: /has SYS_ADMIN/,
      },
      { title: "another namespace", change: elsewhere, says: /privileged: is true in namespace web/ },
    ],
  },
  ...each(
    "no-host-path-pods",
    "host path",
    "volumes/0",
    { name: "work", hostPath: { path: "/etc" } },
    /volumes\[0\]\.hostPath: \/etc of the node is mounted in namespace (?:web|default)/,
  ),
  {
    rule: "no-host-path-pods",
    title: "other ways",
    resources: [volume, system({ volumes: [{ name: "run", hostPath: { path: "/run" } }] })],
    breaks: [
      {
        title: "a PersistentVolume with a host path",
        change: { path: "disk/props/spec/hostPath", value: { path: "/srv" } },
        says: /spec\.hostPath: \/srv is a path on the node/,
      },
      { title: "another namespace", change: elsewhere, says: /\/run of the node is mounted in namespace web/ },
    ],
  },
  ...each(
    "container-images-pinned",
    "a tag alone",
    "containers/0/image",
    "docker.io/library/nginx:1.29.1",
    /containers\[0\]\.image: docker\.io\/library\/nginx:1\.29\.1 has no digest/,
  ),
  {
    rule: "container-images-pinned",
    title: "other ways",
    resources: [pod, system({ containers: [container("main", { image: "registry.k8s.io/kube-proxy:v1.36.3" })] })],
    breaks: [
      {
        title: "first container",
        change: { path: inPod("initContainers/0/image"), value: "busybox" },
        says: /initContainers\[0\]\.image: busybox has no digest/,
      },
      {
        title: "half a digest",
        change: { path: inPod("containers/0/image"), value: "registry.k8s.io/pause:3.10.1@sha256:00" },
        says: /has an invalid digest/,
      },
      {
        title: "another version than the one that is listed by tag",
        change: {
          path: "system/props/spec/template/spec/containers/0/image",
          value: "registry.k8s.io/kube-proxy:v1.35.4",
        },
        says: /kube-proxy:v1\.35\.4 has no digest/,
      },
    ],
  },
];
