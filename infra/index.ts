/** The program that `pulumi` runs: settings in, cluster out. */
import { createCluster } from "./cluster.js";
import { loadClusterSpec } from "./config.js";

// Everything is validated before the first resource is registered.
const cluster = createCluster(loadClusterSpec());

export const endpoint = cluster.endpoint;
export const kubeconfig = cluster.kubeconfig;
export const machines = cluster.machines;
export const ssh_private_key = cluster.ssh_private_key;
export const ssh_user = cluster.ssh_user;
