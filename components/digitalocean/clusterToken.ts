/** The token of the cluster's own controllers: beside the settings, which can be read in the state and on machines. */

/** Namespace of its own: the settings of `digitalocean` are those of the program's provider. */
export const clusterTokenNamespace = "digitalocean-cluster";
export const clusterToken = `${clusterTokenNamespace}:token`;

/**
 * Scopes that the cloud controller manager and the CSI driver use. Without `account:read` the driver does not start:
 * https://github.com/digitalocean/csi-digitalocean/blob/v4.16.0/driver/driver.go
 */
const scopes =
  "account:read, actions:read, regions:read, sizes:read, droplet:read, vpc:read, certificate:read, load_balancer and block_storage, block_storage_action, block_storage_snapshot, snapshot and tag (all of their rights)";

export const clusterTokenRemedy = `Make one with the scopes ${scopes}; then: pulumi config set --secret ${clusterToken}`;
