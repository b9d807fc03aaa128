/** Machine sizes that follow from settings. Pure. */
import {
  holds,
  type MachineNeeds,
  type MachineSize,
  smallestSize,
  systemDisk,
  usableMemory,
} from "../../components/cloud/sizes.js";
import type { NodeResources, Role } from "../../components/spec/cluster.js";
import type { Settings } from "../../components/spec/settings/index.js";

type Reservation = Settings["reserved_resources"];

/** What workers get where neither a size nor a reservation is named: CPUs, and MB. */
const usual = { kube_cpus: 2, kube_mem: 2048, kube_disk: 10_240, system_cpus: 1, system_mem: 1024 } as const;

/** Kept from pods on controllers: kubelet, container runtime and system. */
const controllerSystem = { cpus: 0.25, memory: 1024 } as const;

/** Kept on etcd's machines beside the member. */
const etcdSystem = { cpus: 0.25, memory: 512 } as const;

/** Disk of images, logs and, for etcd without volumes, its data is asked for on top. */
const controllerDisk = 10_240;

/** What the network's pods ask for on every node. */
const networkPods = { none: { cpus: 0, memory: 0 }, flannel: { cpus: 0.1, memory: 64 } } as const;

/** What the cloud's own pods ask for: the driver on every node; the driver's controller and the cloud controller manager on controllers. */
const cloudPods = {
  driver: { cpus: 0.03, memory: 104 },
  driverController: { cpus: 0.05, memory: 192 },
  manager: { cpus: 0.05, memory: 64 },
} as const;

const nothing = { cpus: 0, memory: 0 } as const;

type Cloud = Pick<Settings, "cloud_provider" | "csi_driver">;

function hasDriver({ cloud_provider, csi_driver }: Cloud): boolean {
  return cloud_provider !== "none" && csi_driver;
}

/** What pods that run on every node ask for, and so the least that a node must offer. */
export function daemonNeeds(settings: Pick<Settings, "kube_proxy" | "network_provider"> & Cloud): {
  readonly cpus: number;
  readonly memory: number;
} {
  const { kube_proxy, network_provider } = settings;
  const network = networkPods[network_provider];
  const driver = hasDriver(settings) ? cloudPods.driver : nothing;
  return {
    cpus: sum([kube_proxy.cpus, network.cpus, driver.cpus]),
    memory: kube_proxy.mem + network.memory + driver.memory,
  };
}

/** What the cloud's pods ask for on controllers alone. */
function cloudControllers(settings: Cloud): { readonly cpus: number; readonly memory: number } {
  if (settings.cloud_provider === "none") return nothing;
  const driver = hasDriver(settings) ? cloudPods.driverController : nothing;
  return { cpus: sum([cloudPods.manager.cpus, driver.cpus]), memory: cloudPods.manager.memory + driver.memory };
}

/** What a machine of the role must hold. Reads no other settings than the role's own: others may be wrong by themselves. */
export function machineNeeds(settings: Settings, role: Role): MachineNeeds {
  switch (role) {
    case "etcd": {
      const { etcd } = settings;
      return {
        cpus: sum([etcd.cpus, etcdSystem.cpus]),
        memory: etcd.mem + etcdSystem.memory,
        disk: etcd.disk_type === "ROOT" ? etcd.data_disk + etcd.wal_disk : 0,
      };
    }
    case "controller": {
      const pods = [settings.apiserver, settings.controller_manager, settings.scheduler];
      const daemons = daemonNeeds(settings);
      const cloud = cloudControllers(settings);
      return {
        cpus: sum([...pods.map(({ cpus }) => cpus), daemons.cpus, cloud.cpus, controllerSystem.cpus]),
        memory: sum(pods.map(({ mem }) => mem)) + daemons.memory + cloud.memory + controllerSystem.memory,
        disk: controllerDisk,
      };
    }
    case "worker":
      return nodeNeeds(settings, settings.reserved_resources, settings.node_size);
    case "public":
      return nodeNeeds(settings, settings.public_reserved_resources, settings.public_node_size);
    default:
      return role satisfies never;
  }
}

/** The settings that name a size. */
export const sizeOptions = {
  etcd: "etcd_size",
  controller: "controller_size",
  worker: "node_size",
  public: "public_node_size",
} as const satisfies Record<Role, keyof Settings>;

/** The size that machines of a role get; undefined where no size holds what is asked for, or the named one is unknown or too small. */
export function machineSize(settings: Settings, role: Role, sizes: readonly MachineSize[]): MachineSize | undefined {
  const needs = machineNeeds(settings, role);
  const named = settings[sizeOptions[role]];
  if (named === "") return smallestSize(sizes, needs);
  const size = sizes.find(({ name }) => name === named);
  return size && holds(size, needs) ? size : undefined;
}

/** @throws Error when a role has no size: the rules refuse such settings before. */
export function machineSizes(settings: Settings, sizes: readonly MachineSize[]): Readonly<Record<Role, MachineSize>> {
  const sizeOf = (role: Role): MachineSize => {
    const size = machineSize(settings, role, sizes);
    if (!size)
      throw new Error(`${sizeOptions[role]}: no machine size holds what is asked for; this is a defect of the rules`);
    return size;
  };
  return { etcd: sizeOf("etcd"), controller: sizeOf("controller"), worker: sizeOf("worker"), public: sizeOf("public") };
}

/** GB of a machine's own disk, where it is chosen apart from the size: what is asked for, or what is usual, and room for the system. */
export function diskOf(settings: Settings, role: Role): number {
  const least = role === "etcd" ? 4096 : usual.kube_disk;
  return Math.ceil((Math.max(machineNeeds(settings, role).disk, least) + systemDisk) / 1024);
}

/** What is kept on controllers; their pods may use the rest. */
export const controllerResources: NodeResources = { pods: {}, system: controllerSystem };

/** What a node of the size offers to pods. */
export function nodeResources(given: Reservation, named: string, size: MachineSize): NodeResources {
  const asked = named === "" ? { ...usual, ...given } : given;
  return {
    pods: {
      cpus: asked.kube_cpus,
      memory: asked.kube_mem,
      disk: asked.kube_disk,
    },
    system: {
      cpus: asked.system_cpus ?? Math.min(usual.system_cpus, size.cpus / 4),
      memory: asked.system_mem ?? Math.min(usual.system_mem, Math.floor(usableMemory(size) / 4)),
    },
  };
}

function nodeNeeds(settings: Settings, given: Reservation, named: string): MachineNeeds {
  const least = daemonNeeds(settings);
  const asked =
    named === ""
      ? { ...usual, ...given }
      : { kube_cpus: least.cpus, kube_mem: least.memory, kube_disk: 1024, system_cpus: 0.1, system_mem: 256, ...given };
  return {
    cpus: sum([asked.kube_cpus, asked.system_cpus]),
    memory: asked.kube_mem + asked.system_mem,
    disk: asked.kube_disk,
  };
}

/** Hundredths are the finest that settings know: anything behind comes from adding them. */
function sum(numbers: readonly number[]): number {
  return Math.round(numbers.reduce((total, number) => total + number, 0) * 100) / 100;
}
