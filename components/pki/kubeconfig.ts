/** Kubeconfig files. Pure. */
import { stringify } from "yaml";

export interface KubeconfigArgs {
  /** Name of the cluster. */
  readonly cluster: string;
  /** Address of the API, `https://<host>:<port>`. */
  readonly server: string;
  /** PEM. */
  readonly certificateAuthority: string;
  readonly user: string;
  /** PEM. */
  readonly clientCertificate: string;
  /** PEM. */
  readonly clientKey: string;
}

const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

/** A kubeconfig whose only context is `<user>@<cluster>`, with all files inside. */
export function kubeconfig(args: KubeconfigArgs): string {
  const context = `${args.user}@${args.cluster}`;
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: args.cluster,
          cluster: { server: args.server, "certificate-authority-data": base64(args.certificateAuthority) },
        },
      ],
      users: [
        {
          name: args.user,
          user: {
            "client-certificate-data": base64(args.clientCertificate),
            "client-key-data": base64(args.clientKey),
          },
        },
      ],
      contexts: [{ name: context, context: { cluster: args.cluster, user: args.user } }],
      "current-context": context,
    },
    { lineWidth: 0 },
  );
}

/** A kubeconfig for a pod: the cluster's authority and the token come from the pod's service account. */
export function serviceAccountKubeconfig(server: string): string {
  const mounted = "/var/run/secrets/kubernetes.io/serviceaccount";
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "default", cluster: { server, "certificate-authority": `${mounted}/ca.crt` } }],
    users: [{ name: "default", user: { tokenFile: `${mounted}/token` } }],
    contexts: [{ name: "default", context: { cluster: "default", user: "default" } }],
    "current-context": "default",
  });
}
