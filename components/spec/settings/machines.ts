/** Settings: how many machines there are, of which size, and where. */
import { nodeLabels, nodeTaints } from "./nodeTypes.js";
import { option, passed } from "./option.js";
import { image, machineSize, placement, whole } from "./valueTypes.js";

export const machineOptions = {
  node_count: option(
    whole(1, 5000, "machines"),
    1,
    "Number of workers. Adding one changes no other machine.",
    "adds or removes workers",
  ),
  public_node_count: option(
    whole(0, 1000, "machines"),
    0,
    "Number of public workers: ports 80 and 443 are open to everyone, and a taint keeps off pods that do not tolerate it.",
    "adds or removes public workers",
  ),
  node_size: option(
    machineSize(),
    "",
    "Machine size of workers. Empty: the cheapest that satisfies reserved_resources.",
    "replaces workers",
  ),
  public_node_size: option(
    machineSize(),
    "",
    "Machine size of public workers. Empty: the cheapest that satisfies public_reserved_resources.",
    "replaces public workers",
  ),
  controller_size: option(
    machineSize(),
    "",
    "Machine size of controllers. Empty: the cheapest that satisfies the requests of apiserver, controller_manager, scheduler and kube_proxy.",
    "replaces controllers",
  ),
  etcd_size: option(
    machineSize(),
    "",
    "Machine size of etcd members. Empty: the cheapest that satisfies etcd.cpus and etcd.mem.",
    "replaces etcd members",
  ),
  max_unavailable: passed(
    whole(1, 1000, "machines"),
    1,
    "Number of workers of a pool that may be unavailable during a change.",
    "nothing",
  ),
  control_plane_placement: option(
    placement(),
    "spread",
    "Failure domains (zones) of etcd members and controllers, used in turn. spread: on AWS the first three zones of the region that offer the machines' types, on other clouds the cloud decides. A change replaces machines in zones that are not named any more, in turn; a machine with volumes stays where they are.",
    "replaces etcd members, controllers",
  ),
  node_placement: option(
    placement(),
    "spread",
    "Failure domains (zones) of workers, as control_plane_placement.",
    "replaces workers",
  ),
  public_node_placement: option(
    placement(),
    "spread",
    "Failure domains (zones) of public workers, as control_plane_placement.",
    "replaces public workers",
  ),
  node_labels: passed(
    nodeLabels(),
    {},
    "Labels of workers, in addition to node-role.kubernetes.io/worker. A change is applied to running workers; labels that others have set stay: pulumi config set --path node_labels.disk fast",
    "in place on workers",
  ),
  node_taints: passed(
    nodeTaints(),
    [],
    "Taints of workers. A change is applied to running workers; the cluster's own pods tolerate them. pulumi config set --path 'node_taints[0].key' dedicated, and the same with value and effect.",
    "in place on workers; API objects",
  ),
  public_node_labels: passed(
    nodeLabels(),
    {},
    "Labels of public workers, as node_labels.",
    "in place on public workers",
  ),
  public_node_taints: passed(
    nodeTaints(),
    [],
    "Taints of public workers, as node_taints, in addition to corekube.io/pool.",
    "in place on public workers",
  ),
  image: option(
    image(),
    "",
    "Operating system image of the machines (Flatcar Container Linux). Empty: what the cluster has, or the release that this version is tested with for a new one; a newer version says that it has a newer image, and replaces nothing. On AWS: the image's id, or its exact name as published by Flatcar.",
    "replaces all machines",
  ),
};
