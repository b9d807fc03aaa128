/**
 * Pods that the checks use: nginx behind a Service and a NodePort, one nginx and one busybox per worker, and one
 * nginx on a host port of a worker and of each public one. They are in their own namespace, which is deleted afterwards.
 */
import type { Machine } from "../engine/outputs.js";
import type { CheckContext } from "../cluster/context.js";
import { settingOf } from "../engine/settings.js";

export const namespace = "corekube-check";
/** Open to administrators on workers, for an ingress controller. */
export const hostPort = 80;
export const httpImage = "docker.io/library/nginx:1.22";
const shellImage = "docker.io/library/busybox:1.35";

/** First line of the shell pods' logs. */
export const greeting = "corekube-was-here";
/** Pod in the default namespace. */
export const dnsPod = "corekube-check";

/** Objects for these machines; images are the lab's mirror's. */
function workload(nodePort: number, workers: readonly string[], publicWorkers: readonly string[]): readonly object[] {
  const web = (name: string, extra: object = {}): object => ({
    metadata: { labels: { app: "web", pod: name } },
    spec: {
      containers: [
        {
          name: "nginx",
          image: httpImage,
          ports: [{ name: "http", containerPort: 80, ...extra }],
          readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 2 },
        },
      ],
    },
  });
  const pinned = (name: string, image: string, node?: string, command?: readonly string[]): object => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels: { app: name } },
    spec: {
      ...(node ? { nodeName: node } : {}),
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "main", image, ...(command ? { command } : {}) }],
    },
  });
  return [
    // Pod Security's default level does not allow host ports.
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "privileged" } },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "web", namespace },
      spec: { replicas: 2, selector: { matchLabels: { app: "web" } }, template: web("web") },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace },
      spec: {
        type: "NodePort",
        selector: { app: "web" },
        ports: [{ name: "http", port: 80, targetPort: 80, nodePort }],
      },
    },
    ...[...workers.slice(0, 1), ...publicWorkers].map((node) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: `host-port-${node}`, namespace },
      spec: {
        nodeSelector: { "kubernetes.io/hostname": node },
        // As an ingress controller on public workers.
        tolerations: [{ key: "corekube.io/pool", value: "public", effect: "NoSchedule" }],
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "nginx", image: httpImage, ports: [{ containerPort: 80, hostPort }] }],
      },
    })),
    ...workers.flatMap((node, index) => [
      pinned(`web-${index}`, httpImage, node),
      pinned(`shell-${index}`, shellImage, node, ["sh", "-c", `echo ${greeting}; exec sleep 86400`]),
    ]),
    // In the same namespace as the Service that it looks up, as in Kubernetes' DNS tutorial.
    { ...pinned(dnsPod, shellImage, undefined, ["sleep", "86400"]), metadata: { name: dnsPod, namespace: "default" } },
  ];
}

function namesOf(context: CheckContext, role: Machine["role"]): string[] {
  return context.machines(role).map((machine) => machine.name);
}

/** Whether the add-on for Ingresses has ports 80 and 443 of public workers. */
export function hasIngress({ config, stack }: Pick<CheckContext, "config" | "stack">): boolean {
  const addons = settingOf(config, stack, "corekube:addons") as
    { readonly ingress?: { readonly enabled?: unknown; readonly expose?: unknown } } | undefined;
  return String(addons?.ingress?.enabled) === "true" && (addons?.ingress?.expose ?? "nodes") === "nodes";
}

/** Applies the workload and waits until all of it is ready. */
export async function startWorkload(context: CheckContext, nodePort: number): Promise<void> {
  const free = hasIngress(context) ? [] : namesOf(context, "public");
  const [space, ...objects] = workload(nodePort, namesOf(context, "worker"), free);
  await context.apply(space!);
  // Pods are refused until the controller manager has made it. One whose API server was away takes up its work again after up to
  // half a minute: its restart, and the end of its own old lease.
  await context.kubectl(["wait", "-n", namespace, "--for=create", "serviceaccount/default", "--timeout=60s"]);
  await context.apply(...objects);
  await context.kubectl(["wait", "-n", namespace, "--for=condition=Available", "deployment/web", "--timeout=180s"], {
    timeout: 200_000,
  });
  await context.kubectl(["wait", "-n", "default", "--for=condition=Ready", `pod/${dnsPod}`, "--timeout=180s"], {
    timeout: 200_000,
  });
  await context.kubectl(["wait", "-n", namespace, "--for=condition=Ready", "pods", "--all", "--timeout=180s"], {
    timeout: 200_000,
  });
}

/** Deletes the workload and waits until it is gone. */
export async function stopWorkload(context: CheckContext): Promise<void> {
  await context.kubectl(
    ["delete", "pod", dnsPod, "-n", "default", "--ignore-not-found", "--grace-period=1", "--timeout=120s"],
    { timeout: 140_000 },
  );
  await context.kubectl(["delete", "namespace", namespace, "--ignore-not-found", "--wait", "--timeout=120s"], {
    timeout: 140_000,
  });
}
