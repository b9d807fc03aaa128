/** Computes the cluster's description from settings. Pure. */
import { hasCsiDriver } from "../../components/addons/choice.js";
import type { CloudDefinition } from "../../components/cloud/definition.js";
import { cloudNamed, clouds } from "../../components/clouds.js";
import { nthAddress } from "../../components/spec/cidr.js";
import type { ChosenReleases, ClusterSpec, ComponentResources } from "../../components/spec/cluster.js";
import { optionGroups, passedSettings, type Settings } from "../../components/spec/settings/index.js";
import { portRange } from "../../components/spec/settings/valueTypes.js";
import { type Image, type Release, releaseOf } from "../../components/spec/versions.js";
import type { Checksums } from "./checksums.js";
import { gigabytes, memberCounts } from "./counts.js";
import { proxyOf } from "./proxy.js";
import { controllerResources, diskOf, machineSizes, nodeResources } from "./sizes.js";

/** What the state has a say in. */
interface Chosen extends ChosenReleases, Pick<ClusterSpec, "image"> {}

/**
 * @param settings validated.
 * @param chosen the releases and the image that the cluster gets.
 * @param checksums of a mirror that serves its own builds; files that are not in it keep the official checksum.
 */
export function toClusterSpec(
  settings: Settings,
  chosen: Chosen,
  checksums: Checksums = { releases: {}, images: {} },
  list: readonly CloudDefinition[] = clouds,
): ClusterSpec {
  const cloud = cloudNamed(settings.cloud, list);
  const counts = memberCounts(settings);
  const sizes = machineSizes(settings, cloud.profile.sizes);
  return {
    ...passedSettings(settings, optionGroups(list)),
    name: settings.cluster_name,
    // A load balancer's address does not change when a machine is replaced; and private machines cannot be reached otherwise.
    apiLoadBalancers: settings.high_availability || cloud.hasPrivateMachines(settings),
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
    components: {
      "kube-apiserver": requests(settings.apiserver),
      "kube-controller-manager": requests(settings.controller_manager),
      "kube-scheduler": requests(settings.scheduler),
      "kube-proxy": requests(settings.kube_proxy),
    },
    apiServiceAddress: nthAddress(settings.service_cidr, 1),
    dnsServiceAddress: nthAddress(settings.service_cidr, 10),
    nodePortRange: portRange(settings.node_port_range)!,
    csiDriver: hasCsiDriver(settings),
    cloudSettings: cloud.spec(settings),
    proxy: proxyOf(settings, cloud.profile),
    image: chosen.image,
    tags: { ...settings.tags, KubernetesCluster: settings.cluster_name },
    mirrors: {
      releases: settings.mirrors.releases,
      registries: settings.mirrors.registries,
    },
    ...filesOf(chosen, checksums),
  };
}

/** Programs of the control plane, which are of its own release. */
const ofControlPlane = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;

/** Files and images of the two releases that a cluster has. */
function filesOf(
  chosen: ChosenReleases,
  checksums: Checksums,
): ChosenReleases & Pick<ClusterSpec, "etcdVersion" | "releases" | "images"> {
  const [controlPlane, nodes] = [releaseOf(chosen.kubernetesVersion), releaseOf(chosen.nodeVersion)];
  const { kubelet, kubectl, etcd, "cni-plugins": cni } = nodes.releases;
  const images = {
    ...nodes.images,
    ...Object.fromEntries(ofControlPlane.map((name) => [name, controlPlane.images[name]])),
  };
  return {
    ...chosen,
    etcdVersion: nodes.etcd,
    releases: {
      kubelet: pinnedRelease(kubelet, checksums),
      kubectl: pinnedRelease(kubectl, checksums),
      etcd: pinnedRelease(etcd, checksums),
      "cni-plugins": pinnedRelease(cni, checksums),
    },
    images: Object.fromEntries(Object.entries(images).map(([name, image]) => [name, pinnedImage(image, checksums)])),
  };
}

function pinnedRelease(release: Release, { releases }: Checksums): Release {
  return { url: release.url, sha256: releases[release.url] ?? release.sha256 };
}

function pinnedImage(image: Image, { images }: Checksums): Image {
  return { name: image.name, digest: images[image.name] ?? image.digest };
}

function requests({ cpus, mem }: { readonly cpus: number; readonly mem: number }): ComponentResources {
  return { cpus, memory: mem };
}

function zonesOf(placement: Settings["node_placement"]): readonly string[] {
  return placement === "spread" ? [] : placement.split(",");
}
