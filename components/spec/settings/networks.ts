/** Settings: address ranges and the pods' network. */
import { option, passed } from "./option.js";
import { cidr, domain, oneOf, portRange, text } from "./valueTypes.js";

export const networkOptions = {
  node_cidr: passed(cidr(), "10.4.0.0/20", "Private network of the machines."),
  pod_cidr: passed(cidr(), "10.2.0.0/16", "Network of pods; each controller and worker gets a /24 of it."),
  service_cidr: passed(
    cidr(),
    "10.3.0.0/16",
    "Network of Services; its first address is the API's, its tenth is the cluster DNS server's.",
  ),
  node_port_range: option(
    text(
      "two ports from 1 to 65535 with a dash between them, the lower one first, such as 30000-32767",
      (value) => portRange(value) !== undefined,
    ),
    "30000-32767",
    "Ports for Services of type NodePort.",
  ),
  cluster_domain: passed(domain(), "cluster.local", "DNS domain of Services and pods."),
  network_provider: passed(
    oneOf("flannel", "none"),
    "flannel",
    "Network of pods. flannel: a VXLAN overlay between the machines. none: you install your own; nodes are not ready before.",
  ),
};
