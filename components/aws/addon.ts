/** Amazon Web Services: https://github.com/kubernetes/cloud-provider-aws and https://github.com/kubernetes-sigs/aws-ebs-csi-driver. */
import type { ClusterSpec } from "../spec/cluster.js";
import { type CloudProviderAddon, configDirectory, storageClassNames } from "../cloud/addon.js";
import { awsOf, type AwsSpec } from "./settings.js";

const configFile = "cloud.conf";

/** The AWS SDK's names of the services whose endpoints can be changed, and the names used to sign requests to them. */
const services = {
  ec2: [{ id: "EC2", signing: "ec2" }],
  elasticloadbalancing: [
    { id: "Elastic Load Balancing", signing: "elasticloadbalancing" },
    { id: "Elastic Load Balancing v2", signing: "elasticloadbalancing" },
  ],
} as const;

/**
 * The cloud controller manager's configuration. Network, subnets and zone are those of the machine that it runs on.
 *
 * Without a section for STS, which is used only to assume a role other than the machine's.
 */
export function cloudConfig(spec: Pick<ClusterSpec, "name" | "region" | "cloudSettings">): string {
  const { endpoints } = awsOf(spec);
  const overrides = (["ec2", "elasticloadbalancing"] as const).flatMap((service) => {
    const url = endpoints[service];
    return url === undefined ? [] : services[service].map(({ id, signing }) => ({ id, signing, url }));
  });
  return [
    "[Global]",
    `Region = "${spec.region}"`,
    `KubernetesClusterID = "${spec.name}"`,
    'NodeIPFamilies = "ipv4"',
    ...overrides.flatMap(({ id, signing, url }, index) => [
      `[ServiceOverride "${index + 1}"]`,
      `Service = "${id}"`,
      `Region = "${spec.region}"`,
      `URL = "${url}"`,
      `SigningRegion = "${spec.region}"`,
      `SigningName = "${signing}"`,
    ]),
    "",
  ].join("\n");
}

/** io1 and io2 require a rate: 50 operations per second and GB, which both allow. */
function ssd(type: AwsSpec["volumeType"]): Record<string, string> {
  return { type, ...(type === "io1" || type === "io2" ? { iopsPerGB: "50" } : {}), encrypted: "true" };
}

export const awsAddon: CloudProviderAddon = {
  controllerManager: (spec) => ({
    image: "aws-cloud-controller-manager",
    args: [
      "--cloud-provider=aws",
      `--cloud-config=${configDirectory}/${configFile}`,
      "--use-service-account-credentials=true",
      // The pods' network is an overlay: the cloud needs no routes for it.
      "--configure-cloud-routes=false",
    ],
    files: { [configFile]: cloudConfig(spec) },
    accounts: ["node-controller", "service-controller", "route-controller", "aws-cloud-provider"],
  }),
  driver: (spec) => {
    const { endpoints } = awsOf(spec);
    return {
      provisioner: "ebs.csi.aws.com",
      name: "ebs-csi",
      image: "aws-ebs-csi-driver",
      object: { attachRequired: true, podInfoOnMount: false, fsGroupPolicy: "File" },
      controllerArgs: [
        "controller",
        "--endpoint=$(CSI_ENDPOINT)",
        "--batching=true",
        `--k8s-tag-cluster-id=${spec.name}`,
        `--extra-tags=KubernetesCluster=${spec.name}`,
      ],
      controllerEnv: [
        { name: "AWS_REGION", value: spec.region },
        ...(endpoints.ec2 === undefined ? [] : [{ name: "AWS_EC2_ENDPOINT", value: endpoints.ec2 }]),
      ],
      controllerUser: 1000,
      // Zone and instance ID from the Node, where the cloud controller manager sets them: pods cannot reach the metadata service.
      nodeArgs: [
        "node",
        "--endpoint=$(CSI_ENDPOINT)",
        "--metadata-sources=kubernetes",
        "--csi-mount-point-prefix=/var/lib/kubelet/plugins/kubernetes.io/csi/ebs.csi.aws.com/",
      ],
      nodeHostNetwork: false,
      nodeRules: [
        // Without upstream's right to patch Nodes: it is for a taint that is not used here, and would let each node change all others.
        { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
        { apiGroups: ["storage.k8s.io"], resources: ["volumeattachments"], verbs: ["get", "list", "watch"] },
        { apiGroups: ["storage.k8s.io"], resources: ["csinodes"], verbs: ["get"] },
      ],
    };
  },
  storageClasses: (spec) => [
    { name: storageClassNames.usual, isDefault: true, parameters: ssd(awsOf(spec).volumeType) },
    // At least 125 GB.
    { name: storageClassNames.cold, isDefault: false, parameters: { type: "sc1", encrypted: "true" } },
  ],
};
