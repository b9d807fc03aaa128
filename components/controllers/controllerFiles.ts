/** The secret files of a controller, and the certificates in them. */
import * as pulumi from "@pulumi/pulumi";
import type { DeliveredFileName } from "../contract/secretFiles.js";
import type { Machine } from "../cloud/cloud.js";
import { apiUrl } from "../endpoint/endpoint.js";
import { encryptionConfiguration } from "../nodeconfig/security/encryption.js";
import { controllerRules } from "../nodeconfig/security/index.js";
import { Certificate, type CertificateArgs } from "../pki/certificate.js";
import type { KeyPair } from "../pki/keyPair.js";
import * as subjects from "../pki/subjects.js";
import { kubeconfig } from "../pki/kubeconfig.js";
import type { Pki } from "../pki/pki.js";
import type { ClusterSpec } from "../spec/cluster.js";

export interface ControllerFilesArgs {
  readonly spec: Pick<
    ClusterSpec,
    "name" | "clusterDomain" | "apiServiceAddress" | "apiNames" | "nodeCidr" | "podSecurity" | "cloudProvider"
  >;
  readonly pki: Pki;
  readonly machine: Machine;
  /** Addresses or names of the API that belong to no controller. */
  readonly shared: readonly pulumi.Output<string>[];
  readonly etcdUrls: readonly string[];
}

type Files = Partial<Record<DeliveredFileName, pulumi.Output<string>>>;

/** Components of a controller call the API server on the same machine, so that one that is down does not affect the others. */
const localApi = apiUrl("127.0.0.1");

/** Creates the machine's certificates as children of `opts.parent`. */
export function controllerFiles(args: ControllerFilesArgs, opts: pulumi.ComponentResourceOptions): Files {
  const { spec, pki, machine } = args;
  const certificate = (purpose: string, rest: CertificateArgs): Certificate =>
    new Certificate(`${machine.name}-${purpose}`, rest, opts);
  const client = (purpose: string, authority: CertificateArgs["authority"], subject: subjects.Subject): Certificate =>
    certificate(purpose, { authority, ...subject, uses: ["client_auth"] });

  /** Of a program that calls the API and serves its own metrics. */
  const both = (purpose: string, subject: subjects.Subject): Certificate =>
    certificate(purpose, {
      authority: pki.kubernetes,
      ...subject,
      uses: ["client_auth", "server_auth"],
      ipAddresses: [machine.privateIpv4],
    });
  const controllerManager = both("controller-manager", subjects.controllerManager);
  const scheduler = both("scheduler", subjects.scheduler);

  const apiServer = certificate("apiserver", {
    authority: pki.kubernetes,
    commonName: "kube-apiserver",
    uses: ["server_auth"],
    dnsNames: subjects.apiServerNames(spec),
    ipAddresses: [spec.apiServiceAddress, "127.0.0.1", machine.privateIpv4],
    // A load balancer has a name if the cloud moves its addresses; a machine may have no public address.
    hosts: [machine.publicIpv4, ...args.shared, ...spec.apiNames],
  });
  return {
    "ca.crt": pki.kubernetes.certificate,
    "ca.key": pki.kubernetes.key,
    "etcd-ca.crt": pki.etcd.certificate,
    "front-proxy-ca.crt": pki.frontProxy.certificate,
    "encryption.yaml": pki.encryption.keys.apply(encryptionConfiguration),
    "service-account.key": pki.serviceAccount.privateKey,
    "service-account.pub": pki.serviceAccount.publicKey,
    ...pair("apiserver", apiServer),
    ...pair("etcd-client", client("etcd-client", pki.etcd, { commonName: machine.name })),
    ...pair("apiserver-kubelet-client", client("kubelet-client", pki.kubernetes, subjects.kubeletClient)),
    ...pair("front-proxy-client", client("front-proxy-client", pki.frontProxy, subjects.frontProxyClient)),
    ...pair("controller-manager", controllerManager),
    ...pair("scheduler", scheduler),
    ...localKubeconfigs(
      {
        "controller-manager": controllerManager,
        scheduler,
        kubelet: client("kubelet", pki.kubernetes, subjects.kubelet(machine.name)),
        "csr-approver": client("csr-approver", pki.kubernetes, subjects.csrApprover),
      },
      args,
    ),
    ...Object.fromEntries(Object.entries(controllerRules(spec)).map(([name, text]) => [name, pulumi.output(text)])),
    // No kubelet may have the API's own addresses in its certificate: see scripts/approve.ts.
    "cluster.env": pulumi
      .all([...args.shared, ...spec.apiNames])
      .apply((shared) => `ETCD_SERVERS=${args.etcdUrls.join(",")}\nAPI_ADDRESSES=${shared.join(",")}\n`),
  };
}

type PairName =
  "apiserver" | "controller-manager" | "scheduler" | "etcd-client" | "apiserver-kubelet-client" | "front-proxy-client";
type KubeconfigName = "controller-manager" | "scheduler" | "kubelet" | "csr-approver";

function pair(name: PairName, from: KeyPair): Files {
  return { [`${name}.crt`]: from.certificate, [`${name}.key`]: from.key };
}

function localKubeconfigs(users: Record<KubeconfigName, KeyPair>, { spec, pki }: ControllerFilesArgs): Files {
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
