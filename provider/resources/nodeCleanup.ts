/** `corekube:cluster:NodeCleanup`: what an add-on's pods leave in the network of nodes is removed once those pods are gone. */
import type { V1DaemonSet } from "@kubernetes/client-node";
import { z } from "zod";
import { nodeCleanupShape } from "../../components/contract/resources.js";
import { type Cluster, ifFound, persist, statusOf } from "../kubernetes/cluster.js";
import { limits } from "../operation/limits.js";
import type { Operation } from "../operation/resourceKind.js";
import { Deadline } from "../operation/timing.js";
import { AtEnd } from "./atEnd.js";
import { NodePods } from "./nodePods.js";

const schema = z.object(nodeCleanupShape);
type Inputs = z.infer<typeof schema>;

const idOf = ({ namespace, name }: Inputs): string => `${namespace}/${name}`;

export class NodeCleanup extends AtEnd<Inputs> {
  protected override readonly idOf = idOf;
  protected override readonly end = clean;

  constructor() {
    super(
      schema,
      ["namespace", "name"],
      (reason) => `not run: ${reason}. What is left on a node ends with its next boot.`,
    );
  }
}

const pods = new NodePods();

async function clean(operation: Operation, inputs: Inputs, cluster: Cluster): Promise<void> {
  const { kubeconfig, namespace, name, timeout } = inputs;
  const ask = <Result>(request: () => Promise<Result>): Promise<Result> =>
    persist(new Deadline(limits.api), operation.signal, request);
  const remove = (): Promise<unknown> =>
    ask(() => ifFound(cluster.apps.deleteNamespacedDaemonSet({ namespace, name })));
  // One of a run that was killed has run already on some nodes, and its image may be of another release.
  await remove();
  await ask(() => cluster.apps.createNamespacedDaemonSet({ namespace, body: cleaner(inputs) })).catch(
    (error: unknown) => {
      // The answer to a first request was lost.
      if (statusOf(error) !== 409) throw error;
    },
  );
  try {
    await pods.create(operation, { kubeconfig, namespace, name, template: name, timeout });
  } finally {
    await remove();
  }
}

/** Each pod is ready once its node is clean. */
function cleaner({ namespace, name, image, pause, command }: Inputs): V1DaemonSet {
  const labels = { "k8s-app": name };
  const requests = { cpu: "10m", memory: "16Mi" };
  const least = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true };
  const container = { resources: { requests, limits: { memory: "64Mi" } } };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name, namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          hostNetwork: true,
          automountServiceAccountToken: false,
          priorityClassName: "system-node-critical",
          nodeSelector: { "kubernetes.io/os": "linux" },
          tolerations: [{ operator: "Exists" }],
          terminationGracePeriodSeconds: 1,
          securityContext: { seccompProfile: { type: "RuntimeDefault" } },
          initContainers: [
            {
              ...container,
              name: "clean",
              image,
              command,
              securityContext: { ...least, capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] } },
            },
          ],
          containers: [
            {
              ...container,
              name: "done",
              image: pause,
              securityContext: { ...least, capabilities: { drop: ["ALL"] } },
            },
          ],
        },
      },
    },
  };
}
