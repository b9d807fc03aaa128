/** Puts a cluster together from its description. The order of a run is here: etcd, controllers, node add-ons, workers, cluster add-ons. */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import { ClusterAddons, NodeAddons } from "../components/addons/addons.js";
import { firewallRules } from "../components/cloud/firewall.js";
import { cloudFactory } from "../components/cloud/registry.js";
import { Controllers } from "../components/controllers/controllers.js";
import { ApiEndpoint, apiUrl } from "../components/endpoint/endpoint.js";
import { Readiness } from "../components/endpoint/readiness.js";
import { EtcdCluster } from "../components/etcd/cluster.js";
import type { SshAccess } from "../components/machine/access.js";
import { kubeconfig } from "../components/pki/kubeconfig.js";
import { Pki } from "../components/pki/pki.js";
import type { ClusterSpec } from "../components/spec/cluster.js";
import { Rollout, stagesOf } from "../components/rollout/rollout.js";
import { Workers } from "../components/workers/workers.js";
import { type ClusterOutputs, machineTable } from "./outputs.js";

/** User of the machines' operating system with administrator's rights. */
const sshUser = "core";

/** Registers all resources of the cluster. */
export function createCluster(spec: ClusterSpec): ClusterOutputs {
  const makeCloud = cloudFactory(spec.cloud);
  const ssh = createSshAccess(spec.name);
  const cloud = makeCloud({ spec, sshPublicKey: ssh.publicKey, firewall: firewallRules(spec) });
  const pki = new Pki(spec.name, { spec });
  const endpoint = new ApiEndpoint(spec.name, { spec, cloud });
  const rollout = new Rollout(stagesOf(spec));
  const etcd = new EtcdCluster(spec.name, { spec, cloud, pki, ssh, rollout });
  const controllers = new Controllers(spec.name, { spec, cloud, pki, ssh, etcd, endpoint, rollout });
  const adminKubeconfig = createKubeconfig(spec.name, pki, controllers);
  const apiHost = controllers.api.internal;
  const endpointUrl = controllers.api.external.apply(apiUrl);
  const readiness = new Readiness(
    `${spec.name}-api`,
    { endpoint: endpointUrl, caCertificate: pki.kubernetes.certificate, timeout: spec.bootTimeout },
    { dependsOn: [...controllers.deliveries, ...endpoint.resources] },
  );
  const nodeAddons = new NodeAddons(spec.name, {
    spec,
    apiHost,
    kubeconfig: adminKubeconfig,
    after: [readiness],
    store: etcd,
  });
  const workers = new Workers(spec.name, {
    spec,
    cloud,
    ssh,
    apiHost,
    caCertificate: pki.kubernetes.certificate,
    kubeconfig: adminKubeconfig,
    joinAfter: nodeAddons.joinAfter,
    rollout,
  });
  new ClusterAddons(spec.name, { spec, apiHost, provider: nodeAddons.provider, joins: workers.joins });
  return {
    endpoint: endpointUrl,
    kubeconfig: adminKubeconfig,
    machines: machineTable([...etcd.machines, ...controllers.machines, ...workers.machines], [
      ...etcd.deliveries,
      ...controllers.deliveries,
      ...workers.joins,
    ]),
    ssh_private_key: ssh.privateKey,
    ssh_user: pulumi.output(ssh.user),
  };
}

function createSshAccess(name: string): SshAccess {
  const key = new tls.PrivateKey(`${name}-ssh`, { algorithm: "ED25519" });
  return {
    user: sshUser,
    privateKey: pulumi.secret(key.privateKeyOpenssh),
    // The key's end of line is not part of it, and clouds give it back without.
    publicKey: key.publicKeyOpenssh.apply((publicKey) => publicKey.trim()),
  };
}

function createKubeconfig(cluster: string, pki: Pki, controllers: Controllers): pulumi.Output<string> {
  const { certificate, key } = pki.admin;
  const made = pulumi
    .all([controllers.api.external, pki.kubernetes.certificate, certificate, key])
    .apply(([host, certificateAuthority, clientCertificate, clientKey]) =>
      kubeconfig({ cluster, server: apiUrl(host), certificateAuthority, user: "admin", clientCertificate, clientKey }),
    );
  return pulumi.secret(made);
}
