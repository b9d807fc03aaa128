/**
 * Headlamp, the dashboard. Nobody gets in without a token: its pod has no rights, and each request carries the token of whoever signed in.
 *
 * It has no port outside the cluster: `corekube dashboard` leads to it through the API server.
 */
import { type Addon, image, workers } from "./addon.js";

const name = "headlamp";

export const dashboardNamespace = "dashboard";
export const dashboardPort = 4466;
/** ServiceAccount to sign in as: it reads everything but Secrets. */
export const viewer = "viewer";

/** Of its image. */
const user = 100;
const group = 101;

/** What ClusterRole `view` leaves out, since it is about namespaces only. */
const readCluster = [
  { apiGroups: [""], resources: ["nodes", "namespaces", "persistentvolumes"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["networking.k8s.io"], resources: ["ingressclasses"], verbs: ["get", "list", "watch"] },
  {
    apiGroups: ["apiextensions.k8s.io"],
    resources: ["customresourcedefinitions"],
    verbs: ["get", "list", "watch"],
  },
  { apiGroups: ["metrics.k8s.io"], resources: ["nodes", "pods"], verbs: ["get", "list", "watch"] },
];

const roleName = `corekube:${dashboardNamespace}-${viewer}`;
const id = (part: string): string => `${dashboardNamespace}-${viewer}${part}`;

export const dashboard: Addon = {
  name,
  title: "dashboard",
  needs: [workers],
  namespace: { name: dashboardNamespace, podSecurity: "restricted" },
  partOf: ({ addons }) => addons.dashboard.enabled,
  runsOn: "workers",
  replicas: () => 1,
  resources: ({ addons: { dashboard: own } }) => ({
    [name]: { cpus: own.cpus, memory: own.mem, limit: own.mem_limit },
  }),
  parts: ({ spec }) => ({
    objects: [
      {
        kind: "ServiceAccount",
        id: id(""),
        args: { metadata: { name: viewer, namespace: dashboardNamespace }, automountServiceAccountToken: false },
      },
      { kind: "ClusterRole", id: id("-cluster"), args: { metadata: { name: roleName }, rules: readCluster } },
      ...[
        { part: "", role: "view" },
        { part: "-cluster", role: roleName },
      ].map(({ part, role }) => ({
        kind: "ClusterRoleBinding" as const,
        id: id(`${part}-binding`),
        after: part === "" ? [id("")] : [id(""), id(part)],
        args: {
          metadata: { name: `${roleName}${part}` },
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
          subjects: [{ kind: "ServiceAccount", name: viewer, namespace: dashboardNamespace }],
        },
      })),
    ],
    pod: {
      // Its token is not used, but the API's address and authority, which come with it, are.
      automountServiceAccountToken: true,
      securityContext: { runAsNonRoot: true, runAsUser: user, runAsGroup: group },
      containers: [
        {
          name,
          image: image(spec, name),
          args: [
            "-in-cluster",
            `-in-cluster-context-name=${spec.name}`,
            "-plugins-dir=/headlamp/plugins",
            `-port=${dashboardPort}`,
            // Seconds; as long as the tokens that users make for it usually last.
            "-session-ttl=28800",
          ],
          ports: [{ name: "http", containerPort: dashboardPort, protocol: "TCP" }],
          readinessProbe: { httpGet: { path: "/", port: dashboardPort }, periodSeconds: 5 },
          livenessProbe: { httpGet: { path: "/", port: dashboardPort }, periodSeconds: 20, failureThreshold: 3 },
          volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
        },
      ],
      volumes: [{ name: "tmp", emptyDir: { sizeLimit: "64Mi" } }],
    },
    service: {
      name,
      spec: { ports: [{ name: "http", port: 80, targetPort: dashboardPort, protocol: "TCP" }] },
    },
  }),
};
