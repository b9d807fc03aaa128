/** Storage classes, with the same two names on every cloud. Also where users bring the CSI driver. */
import { type Addon, cloudProviderOf } from "../addon.js";

export const storageClasses: Addon = {
  name: "storage-classes",
  needs: [],
  partOf: ({ cloudProvider }) => cloudProvider !== "none",
  parts: (cluster) => {
    const { spec } = cluster;
    const cloud = cloudProviderOf(cluster);
    const { provisioner } = cloud.driver(spec);
    return {
      objects: cloud.storageClasses(spec).map(({ name, isDefault, parameters, annotations }) => ({
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
          // Volumes are made in the zone of the pod that uses them: machines reach only those of their own zone.
          volumeBindingMode: "WaitForFirstConsumer",
          allowVolumeExpansion: true,
        },
        // Its parameters cannot be changed; existing volumes do not need it.
        deleteFirst: true,
      })),
    };
  },
};
