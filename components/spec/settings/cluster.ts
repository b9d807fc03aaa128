/** Settings: the cluster as a whole, and its part in the cloud. */
import type { CloudName } from "../clouds.js";
import { versions } from "../versions.js";
import { option, passed } from "./option.js";
import { matching, oneOf, yesOrNo } from "./valueTypes.js";

/** @param clouds Names of the clouds; the first is the default. */
export const clusterOptions = (clouds: readonly [CloudName, ...CloudName[]]) => ({
  cluster_name: option(
    matching(
      "1 to 40 lower-case letters, digits and dashes, beginning with a letter, not ending with a dash",
      /^(?=.{1,40}$)[a-z]([-a-z0-9]*[a-z0-9])?$/,
    ),
    "kubernetes",
    "Name of the cluster, and first part of the names of its machines and cloud resources.",
  ),
  cloud: passed(oneOf(...clouds), clouds[0], "Cloud in which the cluster is created."),
  region: passed(
    matching("the cloud's name of a region, such as fra1 or eu-central-1", /^[a-z]{2,}[a-z0-9-]{0,30}$/),
    "",
    "The cloud's region. Required.",
  ),
  kubernetes_version: option(
    oneOf(versions.kubernetes),
    versions.kubernetes,
    "Version of Kubernetes, which is that of the checkout: see versions.json. A cluster keeps the version that it was created with.",
  ),
  high_availability: passed(
    yesOrNo(),
    false,
    "false: 1 etcd member and 1 controller. true: 3 of each, and load balancers in front of the API servers.",
  ),
  log_level: passed(oneOf("ERROR", "WARN", "INFO", "DEBUG"), "INFO", "Log level of the cluster's components."),
});

/** @param clouds Names of the clouds. */
export const cloudOptions = (clouds: readonly CloudName[]) => ({
  cloud_provider: passed(
    oneOf("none", ...clouds),
    "none",
    "The cloud's integration with Kubernetes; none, or the cloud of the stack. It has the cloud controller manager (zones of nodes, load balancers of Services of type LoadBalancer), the CSI driver and the storage classes ssd and cold-hdd.",
  ),
  csi_driver: option(
    yesOrNo(),
    true,
    "With cloud_provider: install the cloud's CSI driver. false: only the storage classes; you install the driver.",
  ),
});
