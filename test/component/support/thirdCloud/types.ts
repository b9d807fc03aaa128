/** Types of the third cloud's resources. */
export const tinyTypes = {
  machine: "tiny:index:Machine",
  volume: "tiny:index:Volume",
  attachment: "tiny:index:Attachment",
  firewall: "tiny:index:Firewall",
  loadBalancer: "tiny:index:LoadBalancer",
} as const;
