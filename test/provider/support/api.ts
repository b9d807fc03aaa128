/** A real Kubernetes API for tests: kube-apiserver and etcd on loopback, no controllers, no nodes but those a test makes. */
import { spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { KubeConfig, PolicyV1Api, RbacAuthorizationV1Api } from "@kubernetes/client-node";
import { openCluster, type Cluster } from "../../../provider/kubernetes/cluster.js";
import { freePort } from "../../../lab/process/freePort.js";
import { killAtExit } from "./processes.js";
import { tool } from "../../support/tools.js";

const START_MILLISECONDS = 60_000;
/** For a test's `before`: the programs may have to be built first. */
export const START_TIMEOUT = 1_200_000;

export class TestApi {
  readonly #processes: ChildProcess[] = [];

  private constructor(
    private readonly directory: string,
    readonly kubeconfig: string,
    readonly server: string,
    readonly cluster: Cluster,
    readonly policy: PolicyV1Api,
    private readonly rbac: RbacAuthorizationV1Api,
  ) {}

  /** @param more Arguments of the API server. */
  static async start(more: readonly string[] = []): Promise<TestApi> {
    const directory = mkdtempSync(path.join(tmpdir(), "corekube-api-"));
    const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
    const token = randomBytes(16).toString("hex");
    const file = (name: string): string => path.join(directory, name);
    writeFileSync(file("tokens.csv"), `${token},admin,admin,system:masters\n`);
    const keys = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
    });
    writeFileSync(file("sa.key"), keys.privateKey);
    writeFileSync(file("sa.pub"), keys.publicKey);
    const server = `https://127.0.0.1:${secure}`;
    const kubeconfig = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server, "insecure-skip-tls-verify": true } }],
      users: [{ name: "u", user: { token } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    });
    const config = new KubeConfig();
    config.loadFromString(kubeconfig);
    const api = new TestApi(
      directory,
      kubeconfig,
      server,
      await openCluster(kubeconfig, new AbortController().signal),
      config.makeApiClient(PolicyV1Api),
      config.makeApiClient(RbacAuthorizationV1Api),
    );
    const etcd = `http://127.0.0.1:${client}`;
    const peerUrl = `http://127.0.0.1:${peer}`;
    api.#run(await tool("etcd"), "etcd", [
      `--data-dir=${file("etcd")}`,
      `--listen-client-urls=${etcd}`,
      `--advertise-client-urls=${etcd}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
      "--unsafe-no-fsync",
    ]);
    api.#run(await tool("kube-apiserver"), "kube-apiserver", [
      `--etcd-servers=${etcd}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${secure}`,
      `--cert-dir=${file("certs")}`,
      `--token-auth-file=${file("tokens.csv")}`,
      "--enable-bootstrap-token-auth",
      "--authorization-mode=RBAC",
      "--allow-privileged=true",
      "--disable-admission-plugins=ServiceAccount",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${file("sa.pub")}`,
      `--service-account-signing-key-file=${file("sa.key")}`,
      "--service-cluster-ip-range=10.3.0.0/24",
      ...more,
    ]);
    await api.#ready();
    return api;
  }

  /** The kubeconfig that trusts the API server's own certificate, and no other. */
  get trusting(): string {
    const certificate = readFileSync(path.join(this.directory, "certs/apiserver.crt")).toString("base64");
    return this.kubeconfig.replace('"insecure-skip-tls-verify":true', `"certificate-authority-data":"${certificate}"`);
  }

  stop(): void {
    for (const child of this.#processes) child.kill("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }

  #run(program: string, name: string, args: string[]): void {
    const log = openSync(path.join(this.directory, `${name}.log`), "w");
    const child = spawn(program, args, { stdio: ["ignore", log, log], cwd: this.directory });
    this.#processes.push(child);
    killAtExit(child);
  }

  async #ready(): Promise<void> {
    for (const end = Date.now() + START_MILLISECONDS; ; await new Promise((resolve) => setTimeout(resolve, 300))) {
      try {
        await this.cluster.core.readNamespace({ name: "kube-system" });
        await this.cluster.core.readNamespace({ name: "default" });
        // The rights that everyone has come last, from a hook after the start.
        await this.rbac.readClusterRoleBinding({ name: "system:basic-user" });
        return;
      } catch (error) {
        if (Date.now() < end) continue;
        const logs = ["etcd", "kube-apiserver"].map((name) =>
          readFileSync(path.join(this.directory, `${name}.log`), "utf8").slice(-2_000),
        );
        this.stop();
        throw new Error(`the test's API did not start: ${String(error)}\n${logs.join("\n")}`);
      }
    }
  }

  /** A Node as its kubelet would report it. */
  async node(
    name: string,
    look: {
      readonly systemId?: string;
      /** What the kubelet reports; silent: it reports no more, and the node controller has written so. */
      readonly ready?: boolean | "silent";
      readonly address?: string;
      readonly controller?: boolean;
      readonly kubelet?: string;
      readonly cordoned?: boolean;
    } = {},
  ): Promise<void> {
    const taints =
      look.controller === true ? [{ key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" }] : [];
    await this.cluster.core.createNode({
      body: { metadata: { name }, spec: { taints, unschedulable: look.cordoned === true } },
    });
    const node = await this.cluster.core.readNode({ name });
    node.status = {
      nodeInfo: {
        ...{
          architecture: "amd64",
          bootID: "",
          containerRuntimeVersion: "",
          kernelVersion: "",
          kubeProxyVersion: "",
          kubeletVersion: look.kubelet ?? "",
          operatingSystem: "linux",
          osImage: "",
          systemUUID: "",
        },
        machineID: look.systemId ?? "0123456789abcdef0123456789abcdef",
      },
      addresses: [{ type: "InternalIP", address: look.address ?? "10.0.0.7" }],
      conditions: [
        {
          type: "Ready",
          status: look.ready === "silent" ? "Unknown" : look.ready === false ? "False" : "True",
          message: look.ready === false ? "network plugin not ready" : "",
        },
      ],
    };
    await this.cluster.core.replaceNodeStatus({ name, body: node });
  }

  async deleteNodes(): Promise<void> {
    await this.cluster.core.deleteCollectionNode();
  }

  /** A running pod on a node. */
  /** What a kubelet reports that was started again as this version. */
  async kubelet(name: string, version: string): Promise<void> {
    await this.cluster.core.patchNodeStatus({
      name,
      body: [{ op: "replace", path: "/status/nodeInfo/kubeletVersion", value: version }],
    });
  }

  async pod(
    node: string,
    name: string,
    look: {
      readonly owner?: string;
      readonly mirror?: boolean;
      readonly phase?: string;
      readonly app?: string;
      readonly grace?: number;
    } = {},
  ): Promise<void> {
    const owner =
      look.owner === undefined
        ? []
        : [
            {
              apiVersion: "apps/v1",
              kind: look.owner,
              name: "owner",
              uid: "11111111-1111-1111-1111-111111111111",
              controller: true,
            },
          ];
    await this.cluster.core.createNamespacedPod({
      namespace: "default",
      body: {
        metadata: {
          name,
          labels: { app: look.app ?? name },
          ownerReferences: owner,
          annotations: look.mirror === true ? { "kubernetes.io/config.mirror": "x" } : {},
        },
        spec: {
          nodeName: node,
          terminationGracePeriodSeconds: look.grace ?? 0,
          containers: [{ name: "c", image: "busybox" }],
        },
      },
    });
    const pod = await this.cluster.core.readNamespacedPod({ namespace: "default", name });
    pod.status = { phase: look.phase ?? "Running", conditions: [{ type: "Ready", status: "True" }] };
    await this.cluster.core.replaceNamespacedPodStatus({ namespace: "default", name, body: pod });
  }

  async podNames(): Promise<string[]> {
    return (await this.cluster.core.listNamespacedPod({ namespace: "default" })).items
      .map((pod) => pod.metadata?.name ?? "")
      .sort();
  }

  /** A budget for the pods of an app, as the disruption controller would keep it. */
  async budget(app: string, allowed: number): Promise<void> {
    const at = { namespace: "default", name: app };
    await this.policy.deleteNamespacedPodDisruptionBudget(at).catch(() => undefined);
    await this.policy.createNamespacedPodDisruptionBudget({
      namespace: "default",
      body: { metadata: { name: app }, spec: { minAvailable: 1, selector: { matchLabels: { app } } } },
    });
    const budget = await this.policy.readNamespacedPodDisruptionBudget(at);
    budget.status = {
      disruptionsAllowed: allowed,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
      observedGeneration: budget.metadata?.generation ?? 1,
    };
    await this.policy.replaceNamespacedPodDisruptionBudgetStatus({ ...at, body: budget });
  }

  async deletePods(): Promise<void> {
    await this.cluster.core.deleteCollectionNamespacedPod({ namespace: "default", gracePeriodSeconds: 0 });
  }
}
