/** Settings: the cluster as a whole, and its part in the cloud. */
import type { CloudName } from "../clouds.js";
import { catalogueVersions, newestVersion } from "../versions.js";
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
    "refused",
  ),
  cloud: passed(oneOf(...clouds), clouds[0], "Cloud in which the cluster is created.", "refused"),
  region: passed(
    matching("the cloud's name of a region, such as fra1 or eu-central-1", /^[a-z]{2,}[a-z0-9-]{0,30}$/),
    "",
    "The cloud's region. Required.",
    "refused",
  ),
  kubernetes_version: option(
    // Whether it is in the catalogue is asked when it is known what the cluster runs, which may be in another checkout's only.
    matching(`a release of this checkout: ${catalogueVersions.join(", ")}`, /^(\d+\.\d+\.\d+)?$/),
    "",
    `Release of Kubernetes, and with it of etcd and of all that belongs to the cluster: see the folder versions. Not set: the release that the cluster has, and ${newestVersion} for a new cluster, so that a newer checkout changes no cluster. A change is made in place. Within a minor version it may go both ways; a minor version goes up by one, and back only while the control plane emulates it (emulated_version).`,
    "in place on all machines; API objects",
  ),
  emulated_version: option(
    matching("the minor version before that of kubernetes_version, such as 1.35", /^(\d+\.\d+)?$/),
    "",
    "With a kubernetes_version of the next minor version: the control plane changes to it, but behaves like this minor version, the one that the cluster runs; nodes and etcd keep their release. So the change can be taken back: set kubernetes_version to the release before, and remove this setting. To finish the change, which cannot be taken back then, remove this setting only.",
    "in place on controllers",
  ),
  accept_removed_apis: passed(
    matching("the minor version whose removals are accepted, such as 1.37", /^(\d+\.\d+)?$/),
    "",
    "Change to this minor version although clients use versions of the API that it does not serve any more; such requests fail then. Not set: the change is refused while an API server has counted such a request since its start.",
    "nothing",
  ),
  high_availability: passed(
    yesOrNo(),
    false,
    "false: 1 etcd member and 1 controller. true: 3 of each, and load balancers in front of the API servers.",
    "refused",
  ),
  log_level: passed(
    oneOf("ERROR", "WARN", "INFO", "DEBUG"),
    "INFO",
    "Log level of the cluster's components.",
    "in place on all machines; API objects",
  ),
});

/** @param clouds Names of the clouds. */
export const cloudOptions = (clouds: readonly CloudName[]) => ({
  cloud_provider: passed(
    oneOf("none", ...clouds),
    "none",
    "The cloud's integration with Kubernetes; none, or the cloud of the stack. It has the cloud controller manager (zones of nodes, load balancers of Services of type LoadBalancer), the CSI driver and the storage classes ssd and cold-hdd.",
    "refused",
  ),
  csi_driver: option(
    yesOrNo(),
    true,
    "With cloud_provider: install the cloud's CSI driver. false: only the storage classes; you install the driver.",
    "API objects",
  ),
});
