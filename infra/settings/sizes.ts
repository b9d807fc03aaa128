/** Machine sizes that follow from settings. Pure. */
import type { Addon } from "../../components/addons/addon.js";
import { type addonSettings, addonSettingsOf } from "../../components/addons/choice.js";
import { addonRequests } from "../../components/addons/list.js";
import {
  holds,
  type MachineNeeds,
  type MachineSize,
  smallestSize,
  systemDisk,
  usableMemory,
} from "../../components/cloud/sizes.js";
import type { ComponentResources, NodeResources, Role } from "../../components/spec/cluster.js";
import { sizeOptions } from "../../components/spec/pools.js";
import type { Settings } from "../../components/spec/settings/index.js";

type Reservation = Settings["reserved_resources"];

/** Defaults of workers without a size or a reservation, in CPUs and MB. */
const usual = { kube_cpus: 2, kube_mem: 2048, kube_disk: 10_240, system_cpus: 1, system_mem: 1024 } as const;

/** Reserved on controllers for kubelet, container runtime and system. */
const controllerSystem = { cpus: 0.25, memory: 1024 } as const;

/** Reserved on etcd machines in addition to the member's requests. */
const etcdSystem = { cpus: 0.25, memory: 512 } as const;

/** For images and logs. */
const controllerDisk = 10_240;

/** Requests of the add-ons' pods on each machine of the role: the minimum that it must offer to pods. */
export function addonNeeds(
  settings: Pick<Settings, (typeof addonSettings)[number]>,
  role: "controller" | "worker" | "public",
  all?: readonly Addon[],
): ComponentResources {
  const requests = addonRequests(role, addonSettingsOf(settings), all);
  return { cpus: sum(requests.map(({ cpus }) => cpus)), memory: sum(requests.map(({ memory }) => memory)) };
}

/** Requirements of a machine of the role. Reads only settings of the role: others may be invalid. */
export function machineNeeds(settings: Settings, role: Role, addons?: readonly Addon[]): MachineNeeds {
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
      const least = addonNeeds(settings, role, addons);
      return {
        cpus: sum([...pods.map(({ cpus }) => cpus), least.cpus, controllerSystem.cpus]),
        memory: sum([...pods.map(({ mem }) => mem), least.memory, controllerSystem.memory]),
        disk: controllerDisk,
      };
    }
    case "worker":
      return nodeNeeds(addonNeeds(settings, role, addons), settings.reserved_resources, settings.node_size);
    case "public":
      return nodeNeeds(
        addonNeeds(settings, role, addons),
        settings.public_reserved_resources,
        settings.public_node_size,
      );
    default:
      return role satisfies never;
  }
}

/** Size of the machines of a role; undefined if no size is large enough, or the named one is unknown or too small. */
function machineSize(settings: Settings, role: Role, sizes: readonly MachineSize[]): MachineSize | undefined {
  const needs = machineNeeds(settings, role);
  const named = settings[sizeOptions[role]];
  if (named === "") return smallestSize(sizes, needs);
  const size = sizes.find(({ name }) => name === named);
  return size && holds(size, needs) ? size : undefined;
}

/** @throws Error when a role has no size; the rules refuse such settings earlier. */
export function machineSizes(settings: Settings, sizes: readonly MachineSize[]): Readonly<Record<Role, MachineSize>> {
  const sizeOf = (role: Role): MachineSize => {
    const size = machineSize(settings, role, sizes);
    if (!size) throw new Error(`${sizeOptions[role]}: no machine size is large enough; this is a bug in the rules`);
    return size;
  };
  return { etcd: sizeOf("etcd"), controller: sizeOf("controller"), worker: sizeOf("worker"), public: sizeOf("public") };
}

/** GB of a machine's own disk, on clouds where it is independent of the size: the requirement, at least the default, plus the system's share. */
export function diskOf(settings: Settings, role: Role): number {
  const least = role === "etcd" ? 4096 : usual.kube_disk;
  return Math.ceil((Math.max(machineNeeds(settings, role).disk, least) + systemDisk) / 1024);
}

/** Reservations on controllers; their pods may use the rest. */
export const controllerResources: NodeResources = { pods: {}, system: controllerSystem };

/** Resources that a node of the size offers to pods. */
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

function nodeNeeds(least: ComponentResources, given: Reservation, named: string): MachineNeeds {
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

/** Settings have at most two decimals: more come from floating-point addition. */
function sum(numbers: readonly number[]): number {
  return Math.round(numbers.reduce((total, number) => total + number, 0) * 100) / 100;
}
