/** Common parts of the control plane's static pods, which the kubelet runs from files, without an API server. */
import { stringify } from "yaml";
import type { ClusterSpec, ComponentResources } from "../../spec/cluster.js";
import { quantities } from "../../spec/quantities.js";
import { imageReference } from "../../spec/versions.js";
import { verbosity } from "../base/logging.js";
import { templateDirectory } from "../../contract/paths.js";
import type { ControlPlaneProgram } from "../../contract/secretFiles.js";
import { controlPlaneUsers, credentialDirectory } from "../base/users.js";
import { file, type NodeFile } from "../base/types.js";

export interface Probe {
  readonly path: string;
  readonly port: number;
  /** Address that the kubelet probes. */
  readonly host: string;
}

interface Mount {
  readonly name: string;
  /** On the machine, and in the container unless `at` is set. */
  readonly path: string;
}

export interface ControlPlanePod {
  readonly name: ControlPlaneProgram;
  readonly flags: readonly string[];
  /** Files of the machine that it may read, besides its own (`contract/secretFiles.ts`). @default none */
  readonly reads?: readonly (Mount & { readonly at: string })[];
  /** Directories of the machine that it may write to. @default none */
  readonly writes?: readonly Mount[];
  /** Linux capabilities that it needs. @default none */
  readonly capabilities?: readonly string[];
  readonly resources: ComponentResources;
  /** The requested memory is also the limit: another instance takes over when it is exceeded. @default false */
  readonly limited?: boolean;
  /** Seconds that it may take to end. @default the kubelet's 30 */
  readonly graceSeconds?: number;
  readonly liveness: Probe;
  readonly readiness?: Probe;
}

function probe({ path, port, host }: Probe, times: object): object {
  return { httpGet: { scheme: "HTTPS", host, port, path }, timeoutSeconds: 15, ...times };
}

/** A template; the activation fills in `${...}`. It contains a digest of the files that the program reads when it starts. */
export function podTemplate(
  spec: Pick<ClusterSpec, "images" | "logLevel" | "emulatedVersion">,
  pod: ControlPlanePod,
): NodeFile {
  const image = spec.images[pod.name];
  if (!image) {
    throw new Error(`images.${pod.name}: got nothing; controllers need its image; add it to versions/common.json`);
  }
  const id = controlPlaneUsers[pod.name];
  // https://github.com/kubernetes/enhancements/tree/master/keps/sig-architecture/4330-compatibility-versions
  const emulation = spec.emulatedVersion === undefined ? [] : [`--emulated-version=${spec.emulatedVersion}`];
  const mounts = [
    {
      name: "credentials",
      path: credentialDirectory(pod.name),
      at: credentialDirectory(pod.name),
      type: "Directory",
      readOnly: true,
    },
    ...(pod.reads ?? []).map((mount) => ({ ...mount, type: "File", readOnly: true })),
    ...(pod.writes ?? []).map((mount) => ({ ...mount, at: mount.path, type: "Directory", readOnly: false })),
  ];
  const manifest = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: pod.name,
      uid: "${POD_UID}",
      namespace: "kube-system",
      labels: { component: pod.name, tier: "control-plane" },
      annotations: { "corekube/secrets": "${SECRETS_DIGEST}" },
    },
    spec: {
      hostNetwork: true,
      priority: 2000001000,
      priorityClassName: "system-node-critical",
      ...(pod.graceSeconds === undefined ? {} : { terminationGracePeriodSeconds: pod.graceSeconds }),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: id,
        runAsGroup: id,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: pod.name,
          image: imageReference(image),
          command: [pod.name, ...pod.flags, ...emulation, `--v=${verbosity(spec.logLevel)}`],
          resources: quantities(pod.resources, pod.limited),
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"], ...(pod.capabilities ? { add: pod.capabilities } : {}) },
          },
          startupProbe: probe(pod.liveness, { periodSeconds: 5, failureThreshold: 36 }),
          livenessProbe: probe(pod.liveness, { periodSeconds: 10, failureThreshold: 8 }),
          ...(pod.readiness ? { readinessProbe: probe(pod.readiness, { periodSeconds: 2, failureThreshold: 3 }) } : {}),
          volumeMounts: mounts.map(({ name, at, readOnly }) => ({
            name,
            mountPath: at,
            ...(readOnly ? { readOnly } : {}),
          })),
        },
      ],
      volumes: mounts.map(({ name, path, type }) => ({ name, hostPath: { path, type } })),
    },
  };
  return file(`${templateDirectory}/${pod.name}.yaml`, stringify(manifest, { lineWidth: 0 }));
}
