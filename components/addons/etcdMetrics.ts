/** A client certificate for the metrics of etcd members, where a Prometheus in the cluster finds it. */
import { type Addon, namespace } from "./addon.js";

const secretName = "etcd-metrics";

export const etcdMetrics: Addon = {
  name: secretName,
  needs: [],
  parts: ({ etcdMetrics: { authority, certificate, key } }) => ({
    objects: [
      {
        kind: "Secret",
        id: secretName,
        args: {
          metadata: { name: secretName, namespace },
          type: "kubernetes.io/tls",
          stringData: { "ca.crt": authority, "tls.crt": certificate, "tls.key": key },
        },
      },
    ],
  }),
};
