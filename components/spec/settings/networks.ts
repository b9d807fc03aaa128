/** Settings: address ranges and the pods' network. */
import { z } from "zod";
import { option, passed } from "./option.js";
import { cidr, domain, oneOf, portRange, text } from "./valueTypes.js";

export const networkOptions = {
  node_cidr: passed(cidr(), "10.4.0.0/20", "Private network of the machines.", "refused"),
  pod_cidr: passed(cidr(), "10.2.0.0/16", "Network of pods; each controller and worker gets a /24 of it.", "refused"),
  service_cidr: passed(
    cidr(),
    "10.3.0.0/16",
    "Network of Services; its first address is the API's, its tenth is the cluster DNS server's.",
    "refused",
  ),
  node_port_range: option(
    text(
      "two ports from 1 to 65535 with a dash between them, the lower one first, such as 30000-32767",
      (value) => portRange(value) !== undefined,
    ),
    "30000-32767",
    "Ports for Services of type NodePort.",
    "in place on controllers, workers, public workers; the cloud's resources",
  ),
  network_mtu: passed(
    z
      .int()
      .refine((bytes) => bytes === 0 || (bytes >= 1280 && bytes <= 9001))
      .meta({ allowed: "0, or a whole number of bytes from 1280 to 9001" }),
    0,
    "Largest packet of the network below flannel's overlay; pods get 50 bytes less. 0: that of the machines' interfaces. On AWS, whose interfaces take 9001 bytes: 1500 where pods talk to peered networks or through VPNs and gateways that pass no larger packets. Pods that run keep theirs.",
    "API objects",
  ),
  cluster_domain: passed(domain(), "cluster.local", "DNS domain of Services and pods.", "refused"),
  network_provider: passed(
    oneOf("flannel", "none"),
    "flannel",
    "Network of pods. flannel: a VXLAN overlay between the machines. none: you install your own; nodes are not ready before.",
    "refused",
  ),
};
