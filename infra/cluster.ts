/** Puts a cluster together from its description. The order of a run is here: etcd, controllers, node add-ons, workers, cluster add-ons. */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { ClusterAddons, NodeAddons } from "../components/addons/addons.js";
import { addonPorts } from "../components/addons/list.js";
import { cloudProfile } from "../components/cloud/profiles.js";
import { firewallRules } from "../components/cloud/firewall.js";
import type { CloudFactory } from "../components/cloud/cloud.js";
import { Controllers } from "../components/controllers/controllers.js";
import { Rewrite } from "../components/controllers/encryption.js";
import { ApiEndpoint, apiUrl } from "../components/endpoint/endpoint.js";
import { Readiness } from "../components/endpoint/readiness.js";
import { EtcdCluster } from "../components/etcd/cluster.js";
import type { SshAccess } from "../components/machine/access.js";
import { Provider } from "../components/machine/provider.js";
import { Pki } from "../components/pki/pki.js";
import type { ClusterSpec } from "../components/spec/cluster.js";
import { Rollout, stagesOf } from "../components/rollout/rollout.js";
import { Workers } from "../components/workers/workers.js";
import { type ClusterOutputs, machineTable } from "./outputs.js";

/** User of the machines' operating system with administrator's rights. */
const sshUser = "core";

/**
 * Registers all resources of the cluster.
 * @param makeCloud The cloud, asked already.
 * @param opts Of the first resource, which all machines wait for: what it depends on is deleted after them.
 */
export function createCluster(
  spec: ClusterSpec,
  makeCloud: CloudFactory,
  opts: pulumi.CustomResourceOptions = {},
): ClusterOutputs {
  const ssh = createSshAccess(spec.name, opts);
  const cloud = makeCloud({
    spec,
    sshPublicKey: ssh.publicKey,
    firewall: firewallRules(spec, cloudProfile(spec.cloud)!, addonPorts(spec)),
  });
  const pki = new Pki(spec.name, { spec });
  const endpoint = new ApiEndpoint(spec.name, { spec, cloud });
  const rollout = new Rollout(stagesOf(spec));
  const etcd = new EtcdCluster(spec.name, { spec, cloud, pki, ssh, rollout });
  const controllers = new Controllers(spec.name, { spec, cloud, pki, ssh, etcd, endpoint, rollout });
  const adminKubeconfig = controllers.kubeconfig;
  const apiHost = controllers.api.internal;
  const endpointUrl = controllers.api.external.apply(apiUrl);
  const readiness = new Readiness(
    `${spec.name}-api`,
    { endpoint: endpointUrl, caCertificate: pki.kubernetes.certificate, timeout: spec.bootTimeout },
    { dependsOn: [...controllers.deliveries, ...endpoint.resources] },
  );
  new Rewrite(spec.name, { number: spec.encryptionKey, kubeconfig: adminKubeconfig }, { dependsOn: [readiness] });
  const nodeAddons = new NodeAddons(spec.name, {
    spec,
    apiHost,
    kubeconfig: adminKubeconfig,
    network: cloud.network,
    after: [readiness],
    store: etcd,
  });
  const provider = new Provider(spec.name, {
    sshUser: ssh.user,
    sshPrivateKey: ssh.privateKey,
    kubeconfig: adminKubeconfig,
  });
  rollout.announceTo(provider);
  const joining = {
    spec,
    cloud,
    provider,
    apiHost,
    caCertificate: pki.kubernetes.certificate,
    joinAfter: nodeAddons.joinAfter,
    rollout,
  };
  const workers = new Workers(spec.name, { ...joining, pool: spec.workers });
  const publicWorkers = new Workers(`${spec.name}-public`, { ...joining, pool: spec.publicWorkers });
  new ClusterAddons(spec.name, { nodeAddons, joins: workers.joins });
  return {
    endpoint: endpointUrl,
    kubeconfig: adminKubeconfig,
    machines: machineTable(
      [...etcd.machines, ...controllers.machines, ...workers.machines, ...publicWorkers.machines],
      [...etcd.deliveries, ...controllers.deliveries, ...workers.joins, ...publicWorkers.joins],
    ),
    ssh_private_key: ssh.privateKey,
    ssh_user: pulumi.output(ssh.user),
  };
}

function createSshAccess(name: string, opts: pulumi.CustomResourceOptions): SshAccess {
  const key = new tls.PrivateKey(`${name}-ssh`, { algorithm: "ED25519" }, opts);
  return {
    user: sshUser,
    privateKey: pulumi.secret(key.privateKeyOpenssh),
    // The key's end of line is not part of it, and clouds give it back without.
    publicKey: key.publicKeyOpenssh.apply((publicKey) => publicKey.trim()),
  };
}
