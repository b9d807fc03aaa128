/** All add-ons, and what follows from them for firewalls and machine sizes. Pure: usable before any SDK loads. */
import type { HostPort } from "../cloud/firewall.js";
import type { ComponentResources } from "../spec/cluster.js";
import { type Addon, publicWorkers, workers } from "./addon.js";
import type { AddonChoice, AddonSettings } from "./choice.js";
import { cloudControllerManager } from "./cloud/cloudControllerManager.js";
import { csiController, csiNode } from "./cloud/csi.js";
import { nodeAddresses } from "./cloud/nodeAddresses.js";
import { storageClasses } from "./cloud/storageClasses.js";
import { volumeSnapshots } from "./cloud/volumeSnapshots.js";
import { coredns, nodeLocalDns } from "./coredns.js";
import { dashboard } from "./dashboard.js";
import { etcdMetrics } from "./etcdMetrics.js";
import { flannel, ownNetwork } from "./flannel.js";
import { ingressBalanced, ingressOnNodes } from "./ingress.js";
import { kubeProxy } from "./kubeProxy.js";
import { localPath } from "./localPath.js";
import { machineRights } from "./machineRights.js";
import { metricsServer } from "./metricsServer.js";
import { networkPolicies } from "./networkPolicies.js";
import { velero } from "./velero.js";

/** In any order: `needs` decides which is made first. */
export const allAddons: readonly Addon[] = [
  machineRights,
  etcdMetrics,
  kubeProxy,
  flannel,
  ownNetwork,
  nodeAddresses,
  cloudControllerManager,
  storageClasses,
  volumeSnapshots,
  csiController,
  csiNode,
  coredns,
  nodeLocalDns,
  metricsServer,
  dashboard,
  localPath,
  ingressOnNodes,
  ingressBalanced,
  networkPolicies,
  velero,
];

/** Needs that are machines. */
const machines: readonly string[] = [workers, publicWorkers];

/** The add-ons of a cluster. */
export function addonsOf(choice: AddonChoice, all: readonly Addon[] = allAddons): readonly Addon[] {
  return all.filter(({ partOf }) => partOf?.(choice) ?? true);
}

/** What plans call an add-on. @param name Its own, or another's workload's, which is shown as it is. */
export function titleOf(name: string): string {
  return allAddons.find((addon) => addon.name === name)?.title ?? name;
}

/** Ports of machines that the add-ons of a cluster use. */
export function addonPorts(choice: AddonChoice, all?: readonly Addon[]): readonly HostPort[] {
  return addonsOf(choice, all).flatMap(({ ports = [] }) => ports);
}

/** What the pods of add-ons request on one machine of the role; Deployments are spread over the workers. */
export function addonRequests(
  role: "controller" | "worker" | "public",
  settings: AddonSettings,
  all?: readonly Addon[],
): readonly ComponentResources[] {
  return addonsOf(settings, all).flatMap((addon) => {
    const pods = podsOn(role, addon, settings);
    const requests = podRequests(addon, settings);
    return Array<ComponentResources>(pods).fill(requests);
  });
}

/** The most pods of the add-on that a machine of the role must hold. */
function podsOn(
  role: "controller" | "worker" | "public",
  { runsOn, replicas }: Addon,
  settings: AddonSettings,
): number {
  const { count } = settings.workers;
  switch (runsOn) {
    case undefined:
      return 0;
    case "nodes":
      return 1;
    case "controllers":
      return role === "controller" ? 1 : 0;
    case "workers":
      return role === "worker" ? Math.ceil((replicas?.(settings) ?? count) / Math.max(1, count)) : 0;
    case "public":
      return role === "public" ? 1 : 0;
    default:
      return runsOn satisfies never;
  }
}

/** As the scheduler counts: the sum of the containers, or the largest container that runs before them. */
function podRequests({ resources }: Addon, settings: AddonSettings): ComponentResources {
  const all = Object.values(resources?.(settings) ?? {});
  const most = (of: keyof ComponentResources): number =>
    Math.max(
      all.filter(({ init }) => !init).reduce((total, each) => total + each[of], 0),
      ...all.filter(({ init }) => init).map((each) => each[of]),
    );
  return { cpus: most("cpus"), memory: most("memory") };
}

/**
 * The add-ons in an order in which each comes after those that it needs.
 * @throws Error when one is needed that is not among them, or when they need each other.
 */
export function inOrder(addons: readonly Addon[]): readonly Addon[] {
  const ordered = new Set<Addon>();
  const place = (addon: Addon, path: readonly string[]): void => {
    if (ordered.has(addon)) return;
    if (path.includes(addon.name))
      throw new Error(`add-ons must not need each other: ${[...path, addon.name].join(" -> ")}`);
    for (const need of addon.needs.filter((name) => !machines.includes(name))) {
      if (!addons.some(({ name }) => name === need))
        throw new Error(`add-on ${addon.name} needs ${need}, which is not part of this cluster`);
    }
    for (const each of addons.filter(({ name }) => comesAfter(addon, name))) place(each, [...path, addon.name]);
    ordered.add(addon);
  };
  for (const addon of addons) place(addon, []);
  return [...ordered];
}

/** Whether an add-on comes after one of this name, if there is one. */
const comesAfter = ({ needs, after = [] }: Addon, name: string): boolean =>
  needs.includes(name) || after.includes(name);

/** Those that are made before workers join, and those that need workers, themselves or by an add-on that they need. */
export function splitByWorkers(addons: readonly Addon[]): {
  readonly without: readonly Addon[];
  readonly on: readonly Addon[];
} {
  const on = new Set<string>();
  const ordered = inOrder(addons);
  for (const addon of ordered) if ([...machines, ...on].some((name) => comesAfter(addon, name))) on.add(addon.name);
  return { without: ordered.filter(({ name }) => !on.has(name)), on: ordered.filter(({ name }) => on.has(name)) };
}
