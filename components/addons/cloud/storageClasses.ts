/** Classes of storage, by the same two names on every cloud. */
import * as kubernetes from "@pulumi/kubernetes";
import { type AddonContext, objectName } from "../context.js";
import type { StorageClassSpec } from "../../cloud/addon.js";

/** Volumes are made where the pod that wants them is placed, since machines reach only those of their own zone. */
export function createStorageClasses(
  context: AddonContext,
  provisioner: string,
  classes: readonly StorageClassSpec[],
): void {
  for (const { name, isDefault, parameters, annotations = {} } of classes) {
    new kubernetes.storage.v1.StorageClass(
      objectName(context, name),
      {
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
        volumeBindingMode: "WaitForFirstConsumer",
        allowVolumeExpansion: true,
      },
      // Its parameters cannot be changed; volumes that exist do not need it.
      { ...context.opts, deleteBeforeReplace: true },
    );
  }
}
