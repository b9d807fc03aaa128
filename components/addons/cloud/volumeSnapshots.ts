/**
 * Snapshots of the volumes of a cloud's CSI driver: their definitions, the controller that is the same for all drivers, and a class
 * (https://github.com/kubernetes-csi/external-snapshotter). The driver's own part is a sidecar of its controller.
 *
 * Without snapshots of groups of volumes, which neither cloud's driver makes.
 */
import { type Addon, type AddonObject, cloudProviderOf, image } from "../addon.js";
import type { AddonChoice } from "../choice.js";
import { definitions } from "../manifests/manifests.js";
import { localApi } from "../pod.js";
import { verbosity } from "../../nodeconfig/base/logging.js";

const name = "snapshot-controller";
const group = "snapshot.storage.k8s.io";

/** The class of every cluster that has snapshots, and the one of snapshots that name none. */
const snapshotClassName = "snapshots";

/** A user without a name or rights: the image has none of its own. */
const user = 65_532;

/** The cluster has snapshots of volumes. */
export function hasVolumeSnapshots({ csiDriver, addons }: Pick<AddonChoice, "csiDriver" | "addons">): boolean {
  return csiDriver && addons.volume_snapshots.enabled;
}

/** @param after Ids of the definitions. */
function snapshotClass(driver: string, after: readonly string[]): AddonObject {
  return {
    kind: "CustomResource",
    id: "snapshot-class",
    after,
    args: {
      apiVersion: `${group}/v1`,
      kind: "VolumeSnapshotClass",
      metadata: {
        name: snapshotClassName,
        annotations: { "snapshot.storage.kubernetes.io/is-default-class": "true" },
        // Velero takes the class of a driver that has it.
        labels: { "velero.io/csi-volumesnapshot-class": "true" },
      },
      driver,
      deletionPolicy: "Delete",
    },
  };
}

export const volumeSnapshots: Addon = {
  name,
  needs: [],
  partOf: hasVolumeSnapshots,
  runsOn: "controllers",
  // One waits for the other to fail.
  replicas: () => 2,
  resources: ({ addons: { volume_snapshots: own } }) => ({
    [name]: { cpus: own.cpus, memory: own.mem, limit: own.mem_limit },
  }),
  parts: (cluster) => {
    const { spec } = cluster;
    const kinds = definitions("external-snapshotter");
    const ids = kinds.map(({ id }) => id);
    return {
      rights: {
        cluster: [
          { apiGroups: [""], resources: ["persistentvolumes"], verbs: ["get", "list", "watch"] },
          { apiGroups: [""], resources: ["persistentvolumeclaims"], verbs: ["get", "list", "watch", "update"] },
          { apiGroups: [""], resources: ["events"], verbs: ["list", "watch", "create", "update", "patch"] },
          { apiGroups: [group], resources: ["volumesnapshotclasses"], verbs: ["get", "list", "watch"] },
          {
            apiGroups: [group],
            resources: ["volumesnapshotcontents"],
            verbs: ["create", "get", "list", "watch", "update", "delete", "patch"],
          },
          { apiGroups: [group], resources: ["volumesnapshotcontents/status"], verbs: ["patch"] },
          {
            apiGroups: [group],
            resources: ["volumesnapshots"],
            verbs: ["get", "list", "watch", "update", "patch", "delete"],
          },
          { apiGroups: [group], resources: ["volumesnapshots/status"], verbs: ["update", "patch"] },
        ],
        namespace: [
          {
            apiGroups: ["coordination.k8s.io"],
            resources: ["leases"],
            verbs: ["get", "list", "watch", "create", "update", "delete"],
          },
        ],
      },
      pod: {
        securityContext: { runAsNonRoot: true, runAsUser: user, runAsGroup: user },
        containers: [
          {
            name,
            image: image(spec, name),
            args: [`--v=${verbosity(spec.logLevel)}`, "--leader-election=true"],
            env: [...localApi],
          },
        ],
      },
      objects: [...kinds, snapshotClass(cloudProviderOf(cluster).driver(spec).provisioner, ids)],
      // Each has finalizers, for the snapshot in the cloud, which stays there.
      leftovers: [
        { group, version: "v1", resource: "volumesnapshots", everywhere: true },
        { group, version: "v1", resource: "volumesnapshotcontents", everywhere: true },
      ],
    };
  },
};
