/** Pods, wherever they are described. */
import type { Case, Given } from "../support/case.js";

const digest = `@sha256:${"0a".repeat(32)}`;

function container(name: string, extra: Record<string, unknown> = {}): Record<string, unknown> {
  return { name, image: `registry.k8s.io/coredns/coredns:v1.14.7${digest}`, securityContext: { privileged: false, capabilities: { add: ["NET_ADMIN"] } }, ...extra };
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
  return { type: `kubernetes:${group}:${kind}`, name: kind.toLowerCase(), props: { metadata: { name: `@-${kind.toLowerCase()}`, ...(namespace === undefined ? {} : { namespace }) }, spec: body } };
}

/** One of each kind, with the path to its pod. */
const kinds: readonly (readonly [resource: Given, path: string])[] = [
  [workload("Pod", spec()), "spec"],
  [workload("DaemonSet", { selector, template: template() }), "spec/template/spec"],
  [workload("Deployment", { selector, template: template() }, undefined), "spec/template/spec"],
  [workload("StatefulSet", { serviceName: "x", selector, template: template() }), "spec/template/spec"],
  [workload("Job", { template: template() }), "spec/template/spec"],
  [workload("CronJob", { schedule: "@daily", jobTemplate: { spec: { template: template() } } }), "spec/jobTemplate/spec/template/spec"],
];
const resources = kinds.map(([resource]) => resource);

const privileged = {
  ...workload("DaemonSet", {
    selector,
    template: {
      metadata: { labels: { app: "x" } },
      spec: {
        hostPID: true,
        containers: [container("main", { securityContext: { privileged: true } })],
        volumes: [{ name: "run", hostPath: { path: "/run" } }],
      },
    },
  }, "kube-system"),
  name: "system",
};

const volume: Given = {
  type: "kubernetes:core/v1:PersistentVolume",
  name: "disk",
  props: { metadata: { name: "@-disk" }, spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, csi: { driver: "ebs.csi.aws.com", volumeHandle: "vol-1" } } },
};

export const podCases: readonly Case[] = [
  {
    rule: "no-privileged-pods",
    title: "every kind",
    resources: [...resources, privileged],
    breaks: [
      ...kinds.map(([{ name }, path]) => ({
        title: name,
        change: { path: `${name}/props/${path}/containers/0/securityContext/privileged`, value: true },
        says: /containers\[0\]\.securityContext\.privileged: is true in namespace (?:web|default)/,
      })),
      { title: "first container", change: { path: "pod/props/spec/initContainers/0/securityContext/privileged", value: true }, says: /spec\.initContainers\[0\]/ },
      { title: "the node's processes", change: { path: "pod/props/spec/hostPID", value: true }, says: /spec\.hostPID: is true/ },
      { title: "a capability as good", change: { path: "pod/props/spec/containers/0/securityContext/capabilities/add", value: ["SYS_ADMIN"] }, says: /has SYS_ADMIN/ },
    ],
  },
  {
    rule: "no-host-path-pods",
    title: "every kind",
    resources: [...resources, privileged, volume],
    breaks: [
      ...kinds.map(([{ name }, path]) => ({
        title: name,
        change: { path: `${name}/props/${path}/volumes/0`, value: { name: "work", hostPath: { path: "/etc" } } },
        says: /volumes\[0\]\.hostPath: \/etc of the node is mounted in namespace (?:web|default)/,
      })),
      { title: "a volume for whoever claims it", change: { path: "disk/props/spec/hostPath", value: { path: "/srv" } }, says: /spec\.hostPath: \/srv is the node's own/ },
    ],
  },
  {
    rule: "container-images-pinned",
    title: "every kind",
    resources,
    breaks: [
      ...kinds.map(([{ name }, path]) => ({
        title: name,
        change: { path: `${name}/props/${path}/containers/0/image`, value: "docker.io/library/nginx:1.29.1" },
        says: /containers\[0\]\.image: docker\.io\/library\/nginx:1\.29\.1 has no digest/,
      })),
      { title: "first container", change: { path: "pod/props/spec/initContainers/0/image", value: "busybox" }, says: /initContainers\[0\]\.image: busybox has no digest/ },
      { title: "listed by tag, without an exact one", change: { path: "pod/props/spec/containers/0/image", value: "registry.k8s.io/kube-proxy:v1.36" }, says: /has no tag that is an exact version/ },
      { title: "half a digest", change: { path: "pod/props/spec/containers/0/image", value: "registry.k8s.io/pause:3.10.1@sha256:00" }, says: /has a digest that is none/ },
    ],
  },
];
