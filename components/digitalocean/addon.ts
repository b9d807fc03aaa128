/** DigitalOcean: https://github.com/digitalocean/digitalocean-cloud-controller-manager and https://github.com/digitalocean/csi-digitalocean. */
import * as pulumi from "@pulumi/pulumi";
import { type CloudProviderAddon, fromCredentials, ownMetricsPort, storageClassNames } from "../cloud/addon.js";
import { clusterToken, clusterTokenNamespace, clusterTokenRemedy } from "./clusterToken.js";

/** The Secret's name and key, which other parts of DigitalOcean's own manifests expect too. */
const secretName = "digitalocean";
const secretKey = "access-token";

/**
 * The cluster's own token from the stack's settings, a secret; else the program's, with a warning: it may make and delete machines. The
 * token in the environment of a run is not used: a credential that stays in the cluster must be configured on purpose.
 */
function token(): pulumi.Output<string> {
  const own = new pulumi.Config(clusterTokenNamespace).getSecret("token");
  if (own !== undefined) return own;
  const shared = new pulumi.Config("digitalocean").getSecret("token");
  if (shared === undefined) throw new Error(`${clusterToken}: got nothing. ${clusterTokenRemedy}`);
  void pulumi.log.warn(
    `${clusterToken} is not set: the cluster gets the program's own token (digitalocean:token), with all its rights. ${clusterTokenRemedy}`,
  );
  return shared;
}

/** Address of the API that the program itself uses, when it is set: a proxy, or a test. */
function apiEndpoint(): string | undefined {
  return new pulumi.Config("digitalocean").get("apiEndpoint");
}

export const digitaloceanAddon: CloudProviderAddon = {
  credentials: () => ({ name: secretName, data: { [secretKey]: token() } }),
  controllerManager: (spec, network) => ({
    image: "digitalocean-cloud-controller-manager",
    program: "/bin/digitalocean-cloud-controller-manager",
    args: [],
    env: [
      fromCredentials("DO_ACCESS_TOKEN", secretName, secretKey),
      ...(apiEndpoint() === undefined ? [] : [{ name: "DO_OVERRIDE_URL", value: apiEndpoint()! }]),
      { name: "REGION", value: spec.region },
      // Its load balancers get the tag `k8s:<cluster>`.
      { name: "DO_CLUSTER_ID", value: spec.name },
      // The other type hands clients' packets to workers at the Services' own ports, which the firewall keeps closed: docs/decisions/0016.
      { name: "DEFAULT_LB_TYPE", value: "REGIONAL" },
      // Without it, metrics are served on port 80 of every address.
      { name: "METRICS_ADDR", value: `127.0.0.1:${ownMetricsPort}` },
      // Without it they would be created in the region's default network, where no machine is.
      ...(network === undefined ? [] : [{ name: "DO_CLUSTER_VPC_ID", value: network }]),
    ],
    accounts: [],
  }),
  driver: (spec) => ({
    provisioner: "dobs.csi.digitalocean.com",
    name: "do-csi",
    image: "do-csi-plugin",
    object: { attachRequired: true, podInfoOnMount: true },
    // The driver accepts its token in no other way. Processes of the controllers' machines can read it there, pods cannot.
    controllerArgs: [
      "--endpoint=$(CSI_ENDPOINT)",
      "--token=$(DIGITALOCEAN_ACCESS_TOKEN)",
      `--url=${apiEndpoint() ?? "https://api.digitalocean.com/"}`,
      "--default-volumes-page-size=200",
      `--do-tag=${spec.name}`,
    ],
    controllerEnv: [fromCredentials("DIGITALOCEAN_ACCESS_TOKEN", secretName, secretKey)],
    nodeArgs: ["--endpoint=$(CSI_ENDPOINT)", `--url=${apiEndpoint() ?? "https://api.digitalocean.com/"}`],
    nodeHostNetwork: true,
    nodeRules: [],
  }),
  storageClasses: () => [
    { name: storageClassNames.usual, isDefault: true, parameters: {} },
    {
      // For claims that are written for several clouds.
      name: storageClassNames.cold,
      isDefault: false,
      parameters: {},
      annotations: {
        "corekube.io/note":
          "DigitalOcean has no cold volumes: these are the same SSD volumes as those of the class ssd, at the same price.",
      },
    },
  ],
};
