/** Workloads with disruption budgets, watched while a cluster changes. */
import { setTimeout as sleep } from "node:timers/promises";
import { type CheckContext } from "../../../lab/cluster/context.js";

const namespace = "corekube-budgets";
const POLL_MILLISECONDS = 500;
const image = "docker.io/library/busybox:1.35";

const template = (app: string) => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 2,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: app,
        image,
        command: ["sleep", "infinity"],
        resources: { requests: { cpu: "10m", memory: "16Mi" } },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
    ],
  },
});
const budget = (app: string, minAvailable: number) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: app, namespace },
  spec: { minAvailable, selector: { matchLabels: { app } } },
});
const workload = (kind: "Deployment" | "StatefulSet", app: string, replicas: number) => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: app, namespace },
  spec: {
    replicas,
    selector: { matchLabels: { app } },
    template: template(app),
    ...(kind === "StatefulSet" ? { serviceName: app } : {}),
  },
});

/** A Deployment of 3 of which 2 must be there, and a StatefulSet of 2 of which 1 must. */
export class Workloads {
  #stopping = false;
  #loop: Promise<void> = Promise.resolve();
  readonly #least = new Map([
    ["web", 3],
    ["data", 2],
  ]);

  constructor(private readonly context: CheckContext) {}

  async start(): Promise<void> {
    await this.context.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    await this.context.apply(
      workload("Deployment", "web", 3),
      workload("StatefulSet", "data", 2),
      budget("web", 2),
      budget("data", 1),
    );
    for (const of of ["deployment/web", "statefulset/data"])
      await this.context.kubectl(["rollout", "status", "-n", namespace, of, "--timeout=120s"], { timeout: 130_000 });
    this.#loop = this.#watch();
  }

  /** Fewest available pods of each since the start. */
  async stop(): Promise<Readonly<Record<string, number>>> {
    this.#stopping = true;
    await this.#loop;
    return Object.fromEntries(this.#least);
  }

  async #watch(): Promise<void> {
    while (!this.#stopping) {
      try {
        const text = await this.context.kubectlValue(
          '{range .items[*]}{.metadata.name}={.status.availableReplicas}{"\\n"}{end}',
          ...["deployments,statefulsets", "-n", namespace],
        );
        for (const [app, count] of text
          .trim()
          .split("\n")
          .map((line) => line.split("=")))
          if (app) this.#least.set(app, Math.min(this.#least.get(app) ?? 0, Number(count || 0)));
      } catch {
        // The API's pauses are the writer's subject.
      }
      await sleep(POLL_MILLISECONDS);
    }
  }
}
