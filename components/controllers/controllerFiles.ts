/** The secret files of a controller, and the certificates in them. */
import * as pulumi from "@pulumi/pulumi";
import type { Machine } from "../cloud/cloud.js";
import { apiUrl } from "../endpoint/endpoint.js";
import { encryptionConfiguration } from "../nodeconfig/security/encryption.js";
import { controllerRules } from "../nodeconfig/security/index.js";
import { Certificate, type CertificateArgs, type KeyPair } from "../pki/certificate.js";
import * as identities from "../pki/subjects.js";
import { kubeconfig } from "../pki/kubeconfig.js";
import type { Pki } from "../pki/pki.js";
import type { ClusterSpec } from "../spec/cluster.js";

export interface ControllerFilesArgs {
  readonly spec: Pick<
    ClusterSpec,
    "name" | "clusterDomain" | "apiServiceAddress" | "nodeCidr" | "podSecurity" | "cloudProvider"
  >;
  readonly pki: Pki;
  readonly machine: Machine;
  /** Addresses or names of the API that belong to no controller. */
  readonly shared: readonly pulumi.Output<string>[];
  readonly etcdUrls: readonly string[];
}

type Files = Record<string, pulumi.Output<string>>;

/** Components of a controller reach the API server beside them: one that is down takes no other along. */
const localApi = apiUrl("127.0.0.1");

/** Makes the machine's certificates as children of `opts.parent`. Keys of the answer are names of files. */
export function controllerFiles(args: ControllerFilesArgs, opts: pulumi.ComponentResourceOptions): Files {
  const { spec, pki, machine } = args;
  const certificate = (purpose: string, rest: CertificateArgs): Certificate =>
    new Certificate(`${machine.name}-${purpose}`, rest, opts);
  const client = (
    purpose: string,
    authority: CertificateArgs["authority"],
    identity: identities.Identity,
  ): Certificate => certificate(purpose, { authority, ...identity, uses: ["client_auth"] });

  const apiServer = certificate("apiserver", {
    authority: pki.kubernetes,
    commonName: "kube-apiserver",
    uses: ["server_auth"],
    dnsNames: identities.apiServerNames(spec),
    ipAddresses: [spec.apiServiceAddress, "127.0.0.1", machine.privateIpv4],
    // A load balancer has a name where the cloud moves its addresses; a machine may have no public address.
    hosts: [machine.publicIpv4, ...args.shared],
  });
  return {
    "ca.crt": pki.kubernetes.certificate,
    "ca.key": pki.kubernetes.key,
    "etcd-ca.crt": pki.etcd.certificate,
    "front-proxy-ca.crt": pki.frontProxy.certificate,
    "encryption.yaml": pki.encryptionKeys.apply(encryptionConfiguration),
    "service-account.key": pki.serviceAccount.privateKey,
    "service-account.pub": pki.serviceAccount.publicKey,
    ...pair("apiserver", apiServer),
    ...pair("etcd-client", client("etcd-client", pki.etcd, { commonName: machine.name })),
    ...pair("apiserver-kubelet-client", client("kubelet-client", pki.kubernetes, identities.kubeletClient)),
    ...pair("front-proxy-client", client("front-proxy-client", pki.frontProxy, identities.frontProxyClient)),
    ...localKubeconfigs(
      {
        "controller-manager": client("controller-manager", pki.kubernetes, identities.controllerManager),
        scheduler: client("scheduler", pki.kubernetes, identities.scheduler),
        kubelet: client("kubelet", pki.kubernetes, identities.kubelet(machine.name)),
        "csr-approver": client("csr-approver", pki.kubernetes, identities.csrApprover),
      },
      args,
    ),
    ...Object.fromEntries(Object.entries(controllerRules(spec)).map(([name, text]) => [name, pulumi.output(text)])),
    // The API's own addresses are for no kubelet's certificate: see scripts/approve.ts.
    "cluster.env": pulumi
      .all([...args.shared])
      .apply((shared) => `ETCD_SERVERS=${args.etcdUrls.join(",")}\nAPI_ADDRESSES=${shared.join(",")}\n`),
  };
}

function pair(name: string, from: KeyPair): Files {
  return { [`${name}.crt`]: from.certificate, [`${name}.key`]: from.key };
}

function localKubeconfigs(users: Record<string, KeyPair>, { spec, pki }: ControllerFilesArgs): Files {
  const entries = Object.entries(users).map(([user, { certificate, key }]): [string, pulumi.Output<string>] => [
    `${user}.kubeconfig`,
    pulumi
      .all([pki.kubernetes.certificate, certificate, key])
      .apply(([certificateAuthority, clientCertificate, clientKey]) =>
        kubeconfig({ cluster: spec.name, server: localApi, certificateAuthority, user, clientCertificate, clientKey }),
      ),
  ]);
  return Object.fromEntries(entries);
}
