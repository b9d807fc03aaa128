/** Assembles a cluster from its specification, in the order of a run: etcd, controllers, node add-ons, workers, cluster add-ons. */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { ClusterAddons, NodeAddons } from "../components/addons/addons.js";
import { addonPorts } from "../components/addons/list.js";
import { firewallRules } from "../components/cloud/firewall.js";
import type { PreparedCluster } from "../components/clouds.js";
import { Controllers } from "../components/controllers/controllers.js";
import { SecretsReencryption } from "../components/controllers/secretsEncryption.js";
import { ApiEndpoint, apiUrl } from "../components/endpoint/endpoint.js";
import { Readiness } from "../components/endpoint/readiness.js";
import { EtcdCluster } from "../components/etcd/cluster.js";
import type { SshAccess } from "../components/machine/access.js";
import { registerConfigurations } from "../components/machine/configurations.js";
import { Provider } from "../components/machine/provider.js";
import { Pki } from "../components/pki/pki.js";
import { FinishedReleases } from "../components/releases/clusterReleases.js";
import { Rollout } from "../components/rollout/program/rollout.js";
import { stagesOf } from "../components/rollout/program/stages.js";
import type { ChosenReleases } from "../components/spec/cluster.js";
import { Workers } from "../components/workers/workers.js";
import { clusterOutputs, type ClusterOutputs } from "./outputs.js";

/** The machines' user with administrator rights. */
const sshUser = "core";

/**
 * Registers all resources of the cluster.
 * @param finished Releases that all machines had after an earlier run.
 * @param opts Options of the first resource, which all machines wait for: what it depends on is deleted after them.
 */
export function createCluster(
  { spec, definition, createCloud, cloudProvider }: PreparedCluster,
  finished?: ChosenReleases,
  opts: pulumi.CustomResourceOptions = {},
): ClusterOutputs {
  const ssh = createSshAccess(spec.name, opts);
  const cloud = createCloud({
    sshPublicKey: ssh.publicKey,
    firewall: firewallRules(spec, definition.profile, addonPorts(spec)),
  });
  const configurations = registerConfigurations(spec, definition.profile);
  const pki = new Pki(spec.name, { spec });
  const endpoint = new ApiEndpoint(spec.name, { spec, cloud });
  const rollout = Rollout.begin(stagesOf(spec), {
    ...ssh,
    bastion: cloud.bastion,
    drainTimeout: spec.drainTimeout,
    configurations: Object.values(configurations),
  });
  const etcd = new EtcdCluster(spec.name, { spec, cloud, pki, ssh, rollout, configuration: configurations.etcd });
  const controllers = new Controllers(spec.name, {
    spec,
    cloud,
    pki,
    ssh,
    etcd,
    endpoint,
    rollout,
    configuration: configurations.controller,
  });
  const adminKubeconfig = controllers.kubeconfig;
  const apiHost = controllers.api.internal;
  const endpointUrl = controllers.api.external.apply(apiUrl);
  const readiness = new Readiness(
    `${spec.name}-api`,
    { endpoint: endpointUrl, caCertificate: pki.kubernetes.certificate, timeout: spec.bootTimeout },
    { dependsOn: [...controllers.deliveries, ...endpoint.resources] },
  );
  new SecretsReencryption(
    spec.name,
    { number: spec.encryptionKey, kubeconfig: adminKubeconfig },
    { dependsOn: [readiness] },
  );
  const nodeAddons = new NodeAddons(spec.name, {
    spec,
    apiHost,
    kubeconfig: adminKubeconfig,
    etcdMetrics: {
      authority: pki.etcd.certificate,
      certificate: pki.etcdMetrics.certificate,
      key: pki.etcdMetrics.key,
    },
    authority: pki.kubernetes,
    cloudProvider,
    network: cloud.network,
    after: [readiness],
    store: etcd,
  });
  const provider = new Provider(spec.name, {
    sshUser: ssh.user,
    sshPrivateKey: ssh.privateKey,
    kubeconfig: adminKubeconfig,
  });
  const joining = {
    spec,
    cloud,
    provider,
    apiHost,
    caCertificate: pki.kubernetes.certificate,
    joinAfter: nodeAddons.joinAfter,
    rollout: rollout.withProvider(provider),
  };
  const workers = new Workers(spec.name, {
    ...joining,
    pool: spec.workers,
    configuration: configurations.worker,
  });
  const publicWorkers = new Workers(`${spec.name}-public`, {
    ...joining,
    pool: spec.publicWorkers,
    configuration: configurations.public,
  });
  const clusterAddons = new ClusterAddons(spec.name, {
    nodeAddons,
    joins: workers.joins,
    publicJoins: publicWorkers.joins,
  });
  const machines = [...etcd.machines, ...controllers.machines, ...workers.machines, ...publicWorkers.machines];
  new FinishedReleases(spec, finished, machines, configurations, { dependsOn: [nodeAddons, clusterAddons] });
  return clusterOutputs(
    {
      endpoint: endpointUrl,
      kubeconfig: adminKubeconfig,
      ssh_private_key: ssh.privateKey,
      ssh_user: pulumi.output(ssh.user),
    },
    machines,
    configurations,
  );
}

function createSshAccess(name: string, opts: pulumi.CustomResourceOptions): SshAccess {
  const key = new tls.PrivateKey(`${name}-ssh`, { algorithm: "ED25519" }, opts);
  return {
    user: sshUser,
    privateKey: pulumi.secret(key.privateKeyOpenssh),
    // Clouds return the key without its end of line.
    publicKey: key.publicKeyOpenssh.apply((publicKey) => publicKey.trim()),
  };
}
