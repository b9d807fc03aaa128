/** Connections to a port of a pod, through the cluster's API: nothing in the cluster listens for strangers. */
import { createServer, type Server, type Socket } from "node:net";
import { describeError } from "../provider/kubernetes/cluster.js";

export interface Target {
  readonly namespace: string;
  /** Selects the pods; any that is ready may answer. */
  readonly selector: string;
  /** Of the pod. */
  readonly port: number;
}

/** The part of the client's WebSocket that is used: without tries again, it answers with one. */
interface WebSocketOfPod {
  close(): void;
  once(event: "close", listener: () => void): void;
}

/** No pod of the target is ready. */
export class NoPod extends Error {}

export interface Forwarding {
  /** Port on 127.0.0.1. */
  readonly port: number;
  close(): void;
}

/**
 * Listens on 127.0.0.1 only. Each connection looks for a pod again, so that the tunnel stays when the pod is replaced.
 * @param kubeconfig An administrator's.
 * @param port 0: any free one.
 * @param onProblem Takes what went wrong with a connection; the others go on.
 * @throws NoPod when none is ready.
 */
export async function forwardPort(
  kubeconfig: string,
  target: Target,
  port: number,
  onProblem: (text: string) => void,
): Promise<Forwarding> {
  // Loaded on demand: it takes longer to load than the rest of the command.
  const kubernetes = await import("@kubernetes/client-node");
  const config = new kubernetes.KubeConfig();
  config.loadFromString(kubeconfig);
  const core = config.makeApiClient(kubernetes.CoreV1Api);
  const forward = new kubernetes.PortForward(config);
  const readyPod = async (): Promise<string> => {
    const { items } = await core.listNamespacedPod({ namespace: target.namespace, labelSelector: target.selector });
    const pod = items.find(
      ({ metadata, status }) =>
        metadata?.deletionTimestamp === undefined &&
        status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
    );
    if (pod?.metadata?.name === undefined)
      throw new NoPod(`no pod with ${target.selector} in the namespace ${target.namespace} is ready`);
    return pod.metadata.name;
  };
  await readyPod();
  const open = new Set<Socket>();
  const connect = async (socket: Socket): Promise<void> => {
    const name = await readyPod();
    const opened: unknown = await forward.portForward(target.namespace, name, [target.port], socket, null, socket);
    const tunnel = opened as WebSocketOfPod;
    socket.once("close", () => tunnel.close());
    tunnel.once("close", () => socket.destroy());
  };
  const server = createServer((socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    // A browser that goes away is none.
    socket.on("error", () => socket.destroy());
    connect(socket).catch((error: unknown) => {
      socket.destroy();
      onProblem(describeError(error));
    });
  });
  return {
    port: await listen(server, port),
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
}
