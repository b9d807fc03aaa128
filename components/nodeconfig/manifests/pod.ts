/** What the pods of the control plane share. The kubelet runs them from files: no API server is needed. */
import { stringify } from "yaml";
import type { ClusterSpec } from "../../spec/cluster.js";
import { imageReference } from "../../spec/versions.js";
import { templateDirectory } from "../layout.js";
import { file, type NodeFile } from "../types.js";

export interface Probe {
  readonly path: string;
  readonly port: number;
  /** Address that the kubelet asks. */
  readonly host: string;
}

export interface ControlPlanePod {
  readonly name: "kube-apiserver" | "kube-controller-manager" | "kube-scheduler";
  readonly flags: readonly string[];
  /** Paths of the machine that it may read, under the same path unless `at` says otherwise. */
  readonly reads: readonly { readonly name: string; readonly path: string; readonly at?: string; readonly type: "Directory" | "File" }[];
  readonly requests: { readonly cpu: string; readonly memory: string };
  readonly liveness: Probe;
  readonly readiness?: Probe;
}

function probe({ path, port, host }: Probe, times: object): object {
  return { httpGet: { scheme: "HTTPS", host, port, path }, timeoutSeconds: 15, ...times };
}

/** A template; `${...}` is filled in by the activation. Other secrets make another pod, so that it starts with them. */
export function podTemplate(spec: Pick<ClusterSpec, "images">, pod: ControlPlanePod): NodeFile {
  const image = spec.images[pod.name];
  if (!image) {
    throw new Error(`images.${pod.name}: got nothing; controllers need its image; add it to versions.json`);
  }
  const manifest = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: pod.name,
      namespace: "kube-system",
      labels: { component: pod.name, tier: "control-plane" },
      annotations: { "corekube/secrets": "${SECRETS_DIGEST}" },
    },
    spec: {
      hostNetwork: true,
      priority: 2000001000,
      priorityClassName: "system-node-critical",
      securityContext: { seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: pod.name,
          image: imageReference(image),
          command: [pod.name, ...pod.flags],
          resources: { requests: pod.requests },
          securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ["ALL"] } },
          startupProbe: probe(pod.liveness, { periodSeconds: 5, failureThreshold: 36 }),
          livenessProbe: probe(pod.liveness, { periodSeconds: 10, failureThreshold: 8 }),
          ...(pod.readiness ? { readinessProbe: probe(pod.readiness, { periodSeconds: 2, failureThreshold: 3 }) } : {}),
          volumeMounts: pod.reads.map(({ name, path, at }) => ({ name, mountPath: at ?? path, readOnly: true })),
        },
      ],
      volumes: pod.reads.map(({ name, path, type }) => ({ name, hostPath: { path, type } })),
    },
  };
  return file(`${templateDirectory}/${pod.name}.yaml`, stringify(manifest, { lineWidth: 0 }));
}
