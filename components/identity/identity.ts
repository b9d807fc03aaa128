/** What a cluster was made with and keeps. */
import * as pulumi from "@pulumi/pulumi";
import { cloudNamed } from "../clouds.js";
import type { ClusterSpec } from "../spec/cluster.js";

/**
 * Refuses a change of what cannot be changed in place, such as the Services' network: in a preview and in an update, with
 * the setting, both values, the reason and the way round. Costs nothing and reaches no machine.
 *
 * Its name is the same in every stack: one that followed the cluster's name would be another resource with a changed name.
 */
export class Identity extends pulumi.CustomResource {
  constructor(spec: ClusterSpec, opts?: pulumi.CustomResourceOptions, { immutable } = cloudNamed(spec.cloud)) {
    const { disks } = spec.etcd;
    const ofCloud = Object.fromEntries(Object.entries(immutable).map(([name, { value }]) => [name, value(spec)]));
    const volumes = disks.type === "volumes" ? { etcdDataDisk: disks.data, etcdWalDisk: disks.wal } : {};
    super(
      "corekube:cluster:Identity",
      "cluster",
      {
        clusterName: spec.name,
        cloud: spec.cloud,
        region: spec.region,
        nodeCidr: spec.nodeCidr,
        podCidr: spec.podCidr,
        serviceCidr: spec.serviceCidr,
        clusterDomain: spec.clusterDomain,
        networkProvider: spec.networkProvider,
        cloudProvider: spec.cloudProvider,
        highAvailability: spec.highAvailability,
        etcdCount: spec.etcd.count,
        etcdDiskType: disks.type === "volumes" ? "MOUNT" : "ROOT",
        ...volumes,
        ...ofCloud,
        encryptionKey: spec.encryptionKey,
      },
      opts,
    );
  }

  /**
   * Resolves when the engine has accepted it; where it refuses, the run ends. Nothing is registered before, so that a refused
   * change touches nothing.
   */
  accepted(): Promise<void> {
    return new Promise((resolve) => {
      this.urn.apply(() => resolve());
    });
  }
}
