/** Storage classes, with the same two names on every cloud. Also where users bring the CSI driver. */
import type { StorageClassSpec } from "../../cloud/addon.js";
import { type Addon, type AddonObject, cloudProviderOf } from "../addon.js";

export const storageClasses: Addon = {
  name: "storage-classes",
  needs: [],
  partOf: ({ cloudProvider }) => cloudProvider !== "none",
  parts: (cluster) => {
    const { spec } = cluster;
    const cloud = cloudProviderOf(cluster);
    const { provisioner } = cloud.driver(spec);
    return { objects: cloud.storageClasses(spec).map((each) => storageClass(each, provisioner, { grows: true })) };
  },
};

/** @param volumes Whether they can become larger. */
export function storageClass(
  { name, isDefault, parameters, annotations }: StorageClassSpec,
  provisioner: string,
  volumes: { readonly grows: boolean },
): AddonObject<"StorageClass"> {
  return {
    kind: "StorageClass",
    id: name,
    args: {
      metadata: {
        name,
        labels: { "kubernetes.io/cluster-service": "true" },
        annotations: {
          ...annotations,
          ...(isDefault ? { "storageclass.kubernetes.io/is-default-class": "true" } : {}),
        },
      },
      provisioner,
      parameters: { ...parameters },
      reclaimPolicy: "Delete",
      // Volumes are made in the zone, or on the machine, of the pod that uses them: machines reach only those.
      volumeBindingMode: "WaitForFirstConsumer",
      allowVolumeExpansion: volumes.grows,
    },
    // Its parameters cannot be changed; existing volumes do not need it.
    deleteFirst: true,
  };
}
