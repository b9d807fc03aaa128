/** From settings to the cluster's description. Pure. */
import { cloudProfile } from "../../components/cloud/profiles.js";
import { nthAddress } from "../../components/spec/cidr.js";
import type { ClusterSpec } from "../../components/spec/cluster.js";
import { type Image, type Release, versions } from "../../components/spec/versions.js";
import type { Checksums } from "./checksums.js";
import { gigabytes, memberCounts } from "./counts.js";
import { portRange, type Settings } from "./options.js";

/**
 * @param settings validated.
 * @param checksums of a mirror that serves builds of its own; what they leave out keeps the official checksum.
 */
export function toClusterSpec(settings: Settings, checksums: Checksums = { releases: {}, images: {} }): ClusterSpec {
  const profile = cloudProfile(settings.cloud)!;
  const counts = memberCounts(settings);
  return {
    name: settings.cluster_name,
    cloud: settings.cloud,
    region: settings.region,
    kubernetesVersion: settings.kubernetes_version,
    highAvailability: settings.high_availability,
    etcd: {
      role: "etcd",
      pool: "etcd",
      count: counts.etcd,
      size: settings.etcd_size || profile.sizes.etcd,
      volumeSize: gigabytes(settings.etcd.data_disk),
    },
    controllers: { role: "controller", pool: "controller", count: counts.controllers, size: settings.controller_size || profile.sizes.controller },
    workers: { role: "worker", pool: "worker", count: settings.node_count, size: settings.node_size || profile.sizes.worker },
    nodeCidr: settings.node_cidr,
    podCidr: settings.pod_cidr,
    serviceCidr: settings.service_cidr,
    apiServiceAddress: nthAddress(settings.service_cidr, 1),
    dnsServiceAddress: nthAddress(settings.service_cidr, 10),
    nodePortRange: portRange(settings.node_port_range)!,
    clusterDomain: settings.cluster_domain,
    image: settings.image || profile.image,
    adminCidrs: settings.admin_cidrs,
    sshPublicKeys: settings.ssh_public_keys,
    tags: { ...settings.tags, KubernetesCluster: settings.cluster_name },
    mirrors: {
      ...(settings.mirrors.releases ? { releases: settings.mirrors.releases } : {}),
      registries: settings.mirrors.registries,
    },
    releases: {
      kubelet: releaseOf(versions.releases.kubelet, checksums),
      etcd: releaseOf(versions.releases.etcd, checksums),
      "cni-plugins": releaseOf(versions.releases["cni-plugins"], checksums),
    },
    images: Object.fromEntries(Object.entries(versions.images).map(([name, image]) => [name, imageOf(image, checksums)])),
    deletionProtection: settings.deletion_protection,
    drainTimeout: settings.drain_timeout,
    bootTimeout: settings.boot_timeout,
  };
}

function releaseOf(release: Release, { releases }: Checksums): Release {
  return { url: release.url, sha256: releases[release.url] ?? release.sha256 };
}

function imageOf(image: Image, { images }: Checksums): Image {
  return { name: image.name, digest: images[image.name] ?? image.digest };
}
