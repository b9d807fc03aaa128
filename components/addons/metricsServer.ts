/** metrics-server: what nodes and pods use now, as the API `metrics.k8s.io`, for `kubectl top` and the horizontal pod autoscaler. */
import { cipherSuites, tlsMinimum } from "../nodeconfig/base/tls.js";
import type { KeyPair } from "../pki/keyPair.js";
import { type Addon, type AddonCluster, type AddonObject, image, namespace, type Pod, workers } from "./addon.js";

const name = "metrics-server";
const certificateName = `${name}-certificate`;
const certificateDirectory = "/etc/metrics-server";
const port = 10250;
/** Of the image. */
const user = 65534;

const group = "metrics.k8s.io";
const version = "v1beta1";

/** Everybody who may read objects may read what they use: as upstream. */
const readers: AddonObject = {
  kind: "ClusterRole",
  id: `${name}-readers`,
  args: {
    metadata: {
      name: "system:aggregated-metrics-reader",
      labels: Object.fromEntries(
        ["view", "edit", "admin"].map((role) => [`rbac.authorization.k8s.io/aggregate-to-${role}`, "true"]),
      ),
    },
    rules: [{ apiGroups: [group], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] }],
  },
};

export const metricsServer: Addon = {
  name,
  needs: [workers],
  runsOn: "workers",
  partOf: ({ addons }) => addons.metrics_server.enabled,
  replicas: ({ highAvailability }) => (highAvailability ? 2 : 1),
  resources: ({ addons: { metrics_server: own } }) => ({
    [name]: { cpus: own.cpus, memory: own.mem, limit: own.mem_limit },
  }),
  server: name,
  parts: (cluster) => {
    const server = serverOf(cluster);
    return {
      rights: {
        cluster: [
          { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
          { apiGroups: [""], resources: ["pods", "nodes"], verbs: ["list", "watch"] },
        ],
        existing: [
          // It asks the API server who a client is and what it may.
          { kind: "ClusterRole", name: "system:auth-delegator", suffix: "-delegator" },
          { kind: "Role", name: "extension-apiserver-authentication-reader", suffix: "-reader" },
        ],
      },
      objects: [
        readers,
        {
          kind: "Secret",
          id: certificateName,
          args: {
            metadata: { name: certificateName, namespace },
            type: "kubernetes.io/tls",
            stringData: { "tls.crt": server.certificate, "tls.key": server.key },
          },
        },
      ],
      pod: pod(cluster),
      service: {
        name,
        spec: { ports: [{ name: "https", port: 443, targetPort: "https", appProtocol: "https" }] },
      },
      whenServing: [
        {
          kind: "APIService",
          id: name,
          args: {
            metadata: { name: `${version}.${group}` },
            spec: {
              group,
              version,
              service: { name, namespace },
              caBundle: cluster.authority.certificate.apply((pem) => Buffer.from(pem).toString("base64")),
              groupPriorityMinimum: 100,
              versionPriority: 100,
            },
          },
        },
      ],
    };
  },
};

function serverOf({ server }: AddonCluster): KeyPair {
  if (!server) throw new Error(`${name} has no certificate; this is a defect of the program`);
  return server;
}

/** Flags: https://github.com/kubernetes-sigs/metrics-server/blob/v0.9.0/docs/command-line-flags.txt */
function pod({ spec }: AddonCluster): Pod {
  const probe = (path: string) => ({ path, port: "https", scheme: "HTTPS" });
  return {
    containers: [
      {
        name,
        image: image(spec, name),
        args: [
          `--secure-port=${port}`,
          // It reads them again when the Secret changes, without a restart.
          `--tls-cert-file=${certificateDirectory}/tls.crt`,
          `--tls-private-key-file=${certificateDirectory}/tls.key`,
          `--tls-min-version=${tlsMinimum}`,
          `--tls-cipher-suites=${cipherSuites.join(",")}`,
          "--profiling=false",
          // The cluster's authority signs the kubelets' certificates for their internal addresses.
          "--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
          "--kubelet-preferred-address-types=InternalIP",
          "--kubelet-use-node-status-port",
          "--metric-resolution=15s",
        ],
        ports: [{ name: "https", containerPort: port }],
        // It has figures with its second round of questions, 15 s after the first. Of two pods, clients get the one that has some. One alone
        // says sooner that it has none yet: without it, clients of the API get errors for the whole group.
        readinessProbe: {
          httpGet: probe(spec.highAvailability ? "/readyz" : "/readyz?exclude=metric-storage-ready"),
          periodSeconds: 2,
          failureThreshold: 3,
        },
        livenessProbe: { httpGet: probe("/livez"), periodSeconds: 10, failureThreshold: 3 },
        volumeMounts: [{ name: "certificate", mountPath: certificateDirectory, readOnly: true }],
      },
    ],
    volumes: [{ name: "certificate", secret: { secretName: certificateName, defaultMode: 0o440 } }],
    securityContext: { runAsNonRoot: true, runAsUser: user, runAsGroup: user, fsGroup: user },
  };
}
