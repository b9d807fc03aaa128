/**
 * Volumes for clusters without a cloud provider: folders on the disk of the machine that the pod runs on
 * (https://github.com/rancher/local-path-provisioner).
 *
 * The provisioner asks the API for a pod on that machine, which makes the folder, or removes it with the claim.
 */
import { type StorageClassSpec, storageClassNames } from "../cloud/addon.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { quantities } from "../spec/quantities.js";
import { type Addon, image, restricted, workers } from "./addon.js";
import { storageClass } from "./cloud/storageClasses.js";

const name = "local-path-provisioner";
const namespace = "local-path-storage";
const configDirectory = "/etc/local-path";
/** It reads the logs of the container with this name. */
const helper = "helper-pod";

/** The same names as on clouds, so that claims written for those bind. */
const classes: readonly StorageClassSpec[] = Object.values(storageClassNames).map((className) => ({
  name: className,
  isDefault: className === storageClassNames.usual,
  parameters: {},
  annotations: {
    // Unlike volumes of type hostPath: a pod whose machine was replaced does not start with an empty folder in place of its data.
    defaultVolumeType: "local",
    "corekube.io/note":
      "There is no cloud provider: volumes are folders on the disk of the pod's machine, whose size nothing limits, and go with the machine.",
  },
}));

/** Makes or removes one folder. Not its token: it asks nothing of the API. */
function helperPod(spec: ClusterSpec): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: helper },
    spec: {
      // It is put on the machine past the scheduler, and must find room there.
      priorityClassName: "system-node-critical",
      automountServiceAccountToken: false,
      securityContext: { seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: helper,
          image: image(spec, "busybox"),
          resources: { ...quantities({ cpus: 0.01, memory: 16 }), limits: { memory: "64Mi" } },
          // Folders of the machine are root's. What pods leave in them is not: any user's files are removed with the volume.
          securityContext: restricted(["DAC_OVERRIDE", "FOWNER"]),
        },
      ],
    },
  };
}

/** Files of the provisioner, with the scripts of its helper pods. */
function localPathFiles(spec: ClusterSpec): Record<string, string> {
  const { path } = spec.addons.local_path;
  return {
    "config.json": json({ nodePathMap: [{ node: "DEFAULT_PATH_FOR_NON_LISTED_NODES", paths: [path] }] }),
    "helperPod.yaml": json(helperPod(spec)),
    // The user of the pod that gets the volume is not known.
    setup: '#!/bin/sh\nset -eu\nmkdir -m 0777 -p "$VOL_DIR"\n',
    teardown: '#!/bin/sh\nset -eu\nrm -rf "$VOL_DIR"\n',
  };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export const localPath: Addon = {
  name,
  needs: [workers],
  partOf: ({ cloudProvider, addons }) => cloudProvider === "none" && addons.local_path.enabled,
  runsOn: "workers",
  // It has no leader: two would make each volume twice.
  replicas: () => 1,
  // Its helper pods mount a directory of the machine, which every other level forbids.
  namespace: { name: namespace, podSecurity: "privileged" },
  resources: ({ addons: { local_path: own } }) => ({
    [name]: { cpus: own.cpus, memory: own.mem, limit: own.mem_limit },
  }),
  parts: ({ spec }) => ({
    rights: {
      cluster: [
        { apiGroups: [""], resources: ["nodes"], verbs: ["get"] },
        { apiGroups: [""], resources: ["persistentvolumeclaims"], verbs: ["get", "list", "watch"] },
        {
          apiGroups: [""],
          resources: ["persistentvolumes"],
          verbs: ["get", "list", "watch", "create", "delete"],
        },
        { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: ["get", "list", "watch"] },
        // Of claims, in their namespaces.
        { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
      ],
      namespace: [
        { apiGroups: [""], resources: ["pods"], verbs: ["get", "create", "delete"] },
        { apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
      ],
    },
    files: { directory: configDirectory, data: localPathFiles(spec) },
    pod: {
      // Without a probe: this release serves nothing that one could ask.
      containers: [
        {
          name,
          image: image(spec, name),
          command: [
            name,
            "start",
            `--config=${configDirectory}/config.json`,
            `--helper-pod-file=${configDirectory}/helperPod.yaml`,
            `--configmap-name=${name}`,
            `--namespace=${namespace}`,
            // Of the helper pods: one without rights.
            "--service-account-name=default",
          ],
          securityContext: { ...restricted(), runAsNonRoot: true, runAsUser: 65_534, runAsGroup: 65_534 },
        },
      ],
    },
    objects: classes.map((each) => storageClass(each, "rancher.io/local-path", { grows: false })),
  }),
};
