/** The configuration of a machine: pure functions from the cluster's description to what it runs, and to user-data. */
import type { CloudProfile } from "../cloud/profile.js";
import type { ClusterSpec, Role } from "../spec/cluster.js";
import type { NodeRole } from "../spec/pools.js";
import { userDataBudget } from "./budget.js";
import type { Configuration } from "../contract/configurations.js";
import { complete, configurationOf } from "./configuration.js";
import { containerd } from "./containerd.js";
import { etcd } from "./etcd.js";
import { renderIgnition } from "./base/ignition.js";
import { kubelet } from "./kubelet.js";
import { apiServer, hosts } from "./manifests/apiServer.js";
import { controllerManager } from "./manifests/controllerManager.js";
import { podTemplate } from "./manifests/pod.js";
import { scheduler } from "./manifests/scheduler.js";
import { activateScript } from "./scripts/activate.js";
import { approveUnit } from "./scripts/approve.js";
import { healthScript } from "./scripts/health.js";
import { installScript, releaseLinks } from "./scripts/install.js";
import { metadataScript } from "./scripts/metadata.js";
import { reportScript } from "./scripts/report.js";
import { volumeScript } from "./scripts/volume.js";
import { proxy } from "./base/proxy.js";
import { podHost, system } from "./system.js";
import { place } from "./base/placement.js";
import { merge, type NodeConfig } from "./base/types.js";
import { activateUnits, installUnit, metadataUnit, volumeUnit } from "./bootUnits.js";

export type { NodeConfig } from "./base/types.js";

/** What every machine of the role runs. Nothing in it is secret, and nothing differs between machines. */
export function nodeConfig(spec: ClusterSpec, role: Role, profile: CloudProfile): NodeConfig {
  return complete(partsOf(spec, role, profile));
}

/** The same, as the state keeps it and the provider brings it to machines. */
export function machineConfiguration(spec: ClusterSpec, role: Role, profile: CloudProfile): Configuration {
  return configurationOf(nodeConfig(spec, role, profile), versionsOf(spec, role));
}

function versionsOf(spec: ClusterSpec, role: Role): Configuration["versions"] {
  switch (role) {
    case "etcd":
      return { etcd: spec.etcdVersion };
    case "controller":
      return { "kube-apiserver": spec.kubernetesVersion, kubelet: spec.nodeVersion };
    case "worker":
    case "public":
      return { kubelet: spec.nodeVersion };
    default:
      return role satisfies never;
  }
}

function partsOf(spec: ClusterSpec, role: Role, profile: CloudProfile): NodeConfig {
  const everyMachine = merge(system(spec), proxy(spec), {
    files: [
      metadataScript(profile),
      installScript(spec, role),
      activateScript(spec, role),
      healthScript(role),
      reportScript(),
    ],
    links: releaseLinks(spec, role),
    units: [metadataUnit, installUnit],
  });
  switch (role) {
    case "etcd":
      return merge(everyMachine, etcd(spec), etcdDisks(spec, profile));
    case "controller":
      return merge(everyMachine, podMachine(spec, role, profile), { files: controlPlane(spec), units: [approveUnit] });
    case "worker":
    case "public":
      return merge(everyMachine, podMachine(spec, role, profile));
    default:
      return role satisfies never;
  }
}

/** Volumes come before the member; without them its directories are on the machine's own disk. */
function etcdDisks({ etcd: { disks } }: ClusterSpec, profile: CloudProfile): Partial<NodeConfig> {
  return disks.type === "volumes"
    ? { files: [volumeScript(profile)], units: [volumeUnit, ...activateUnits([volumeUnit.name])] }
    : { units: activateUnits([]) };
}

function podMachine(spec: ClusterSpec, role: NodeRole, profile: CloudProfile): NodeConfig {
  return merge(podHost(spec), containerd(spec), kubelet(spec, role, profile), { units: activateUnits([]) });
}

function controlPlane(spec: ClusterSpec): NodeConfig["files"] {
  const pods = [apiServer(spec), controllerManager(spec), scheduler(spec)];
  return [hosts(), ...pods.map((pod) => podTemplate(spec, pod))];
}

/**
 * User-data of every machine of the role: Ignition as JSON.
 * @throws Error when it is larger than clouds accept.
 */
export function renderUserData(spec: ClusterSpec, role: Role, profile: CloudProfile): string {
  const userData = ignitionOf(nodeConfig(spec, role, profile));
  userDataBudget(userData, `role ${role}`);
  return userData;
}

/** User-data of a bastion, which runs nothing of the cluster. */
export function renderBastionUserData(spec: ClusterSpec): string {
  return ignitionOf(complete(merge(system(spec))));
}

function ignitionOf(config: NodeConfig): string {
  return renderIgnition(place(config, configurationOf(config).digest));
}
