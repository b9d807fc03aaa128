/** From settings to the cluster's description. Pure. */
import { cloudProfile } from "../../components/cloud/profiles.js";
import { nthAddress } from "../../components/spec/cidr.js";
import type { AwsSpec, ClusterSpec, ComponentResources } from "../../components/spec/cluster.js";
import { type Image, type Release, versions } from "../../components/spec/versions.js";
import type { Checksums } from "./checksums.js";
import { gigabytes, memberCounts } from "./counts.js";
import { portRange, type Settings } from "./options.js";
import { proxyOf } from "./proxy.js";
import { controllerResources, diskOf, machineSizes, nodeResources } from "./sizes.js";

/**
 * @param settings validated.
 * @param checksums of a mirror that serves builds of its own; what they leave out keeps the official checksum.
 */
export function toClusterSpec(settings: Settings, checksums: Checksums = { releases: {}, images: {} }): ClusterSpec {
  const profile = cloudProfile(settings.cloud)!;
  const counts = memberCounts(settings);
  const sizes = machineSizes(settings);
  const proxy = proxyOf(settings);
  return {
    name: settings.cluster_name,
    cloud: settings.cloud,
    region: settings.region,
    kubernetesVersion: settings.kubernetes_version,
    highAvailability: settings.high_availability,
    // A load balancer's address stays when the machine behind it does not; and private machines have no other way in.
    apiLoadBalancers: settings.high_availability || settings.aws.machines === "private",
    logLevel: settings.log_level,
    etcd: {
      role: "etcd",
      pool: "etcd",
      count: counts.etcd,
      size: sizes.etcd.name,
      disk: diskOf(settings, "etcd"),
      zones: zonesOf(settings.control_plane_placement),
      cpus: settings.etcd.cpus,
      memory: settings.etcd.mem,
      disks:
        settings.etcd.disk_type === "ROOT"
          ? { type: "root", data: gigabytes(settings.etcd.data_disk) }
          : { type: "volumes", data: gigabytes(settings.etcd.data_disk), wal: gigabytes(settings.etcd.wal_disk) },
    },
    controllers: {
      role: "controller",
      pool: "controller",
      count: counts.controllers,
      size: sizes.controller.name,
      disk: diskOf(settings, "controller"),
      zones: zonesOf(settings.control_plane_placement),
      resources: controllerResources,
    },
    workers: {
      role: "worker",
      pool: "worker",
      count: settings.node_count,
      size: sizes.worker.name,
      disk: diskOf(settings, "worker"),
      zones: zonesOf(settings.node_placement),
      resources: nodeResources(settings.reserved_resources, settings.node_size, sizes.worker),
    },
    publicWorkers: {
      role: "public",
      pool: "public",
      count: settings.public_node_count,
      size: sizes.public.name,
      disk: diskOf(settings, "public"),
      zones: zonesOf(settings.public_node_placement),
      resources: nodeResources(settings.public_reserved_resources, settings.public_node_size, sizes.public),
    },
    maxUnavailable: settings.max_unavailable,
    components: {
      "kube-apiserver": requests(settings.apiserver),
      "kube-controller-manager": requests(settings.controller_manager),
      "kube-scheduler": requests(settings.scheduler),
      "kube-proxy": requests(settings.kube_proxy),
    },
    nodeCidr: settings.node_cidr,
    podCidr: settings.pod_cidr,
    serviceCidr: settings.service_cidr,
    apiServiceAddress: nthAddress(settings.service_cidr, 1),
    dnsServiceAddress: nthAddress(settings.service_cidr, 10),
    nodePortRange: portRange(settings.node_port_range)!,
    clusterDomain: settings.cluster_domain,
    networkProvider: settings.network_provider,
    cloudProvider: settings.cloud_provider,
    csiDriver: settings.cloud_provider !== "none" && settings.csi_driver,
    ...(settings.cloud === "aws" ? { aws: awsOf(settings.aws) } : {}),
    podSecurity: settings.pod_security,
    encryptionKey: settings.encryption_key,
    ...(proxy ? { proxy } : {}),
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
      kubectl: releaseOf(versions.releases.kubectl, checksums),
      etcd: releaseOf(versions.releases.etcd, checksums),
      "cni-plugins": releaseOf(versions.releases["cni-plugins"], checksums),
    },
    images: Object.fromEntries(
      Object.entries(versions.images).map(([name, image]) => [name, imageOf(image, checksums)]),
    ),
    deletionProtection: settings.deletion_protection,
    drainTimeout: settings.drain_timeout,
    bootTimeout: settings.boot_timeout,
  };
}

function awsOf(given: Settings["aws"]): AwsSpec {
  return {
    ...(given.vpc_id ? { vpcId: given.vpc_id } : {}),
    publicSubnetIds: given.public_subnet_ids ?? [],
    privateSubnetIds: given.private_subnet_ids ?? [],
    machines: given.machines ?? "public",
    nat: given.nat ?? "zone",
    bastionSize: given.bastion_size || "t3.micro",
    volumeType: given.volume_type ?? "gp3",
    endpoints: given.endpoints ?? {},
  };
}

function releaseOf(release: Release, { releases }: Checksums): Release {
  return { url: release.url, sha256: releases[release.url] ?? release.sha256 };
}

function imageOf(image: Image, { images }: Checksums): Image {
  return { name: image.name, digest: images[image.name] ?? image.digest };
}

function requests({ cpus, mem }: { readonly cpus: number; readonly mem: number }): ComponentResources {
  return { cpus, memory: mem };
}

function zonesOf(placement: Settings["node_placement"]): readonly string[] {
  return placement === "spread" ? [] : placement.split(",");
}
