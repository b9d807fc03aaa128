/** Scaling by one worker and back: the preview, the pods, and what is left. */
import type { LabConfig } from "../../../lab/config.js";
import type { Progress } from "../../../lab/progress.js";
import { labCloud } from "../../../lab/cluster/cloud.js";
import { mustRun } from "../../../lab/engine/run.js";
import { readOutputs } from "../../../lab/engine/outputs.js";
import { until } from "../../../lab/process/until.js";
import { pulumi } from "../../../lab/engine/stack.js";
import { CheckContext, expect } from "../../../lab/cluster/context.js";
import { httpImage } from "../../../lab/checks/workload.js";

interface Preview {
  readonly steps?: readonly { readonly op: string; readonly urn: string }[];
}

const namespace = "corekube-scale";
const setting = "corekube:node_count";

/** A stack whose number of workers is changed. */
export class Scaling {
  constructor(
    private readonly config: LabConfig,
    private readonly stack: string,
    private readonly progress: Progress,
  ) {}

  async set(count: number): Promise<void> {
    await this.configure(setting, String(count));
  }

  /** Sets any setting of the stack. */
  async configure(name: string, value: string): Promise<void> {
    await pulumi(this.config, ["config", "set", name, value, "--stack", this.stack], { stack: this.stack });
  }

  /** Changes in a preview: operation and resource. */
  async changes(): Promise<{ readonly op: string; readonly urn: string }[]> {
    const text = await pulumi(this.config, ["preview", "--json", "--stack", this.stack], { stack: this.stack });
    const preview = JSON.parse(text) as Preview;
    return (preview.steps ?? []).filter((step) => step.op !== "same" && step.op !== "read" && step.op !== "refresh");
  }

  async up(): Promise<void> {
    await mustRun(this.config, this.stack, ["up", "--yes", "--skip-preview"], this.progress);
  }

  async context(): Promise<CheckContext> {
    return new CheckContext(this.config, this.stack, await readOutputs(this.config, this.stack), this.progress);
  }
}

/** Name of a resource. */
export const nameOf = (urn: string): string => urn.split("::").at(-1) ?? "";

/** @throws Error unless every change is a creation (or deletion) of something that belongs to the one machine. */
export function expectOnly(
  changes: readonly { readonly op: string; readonly urn: string }[],
  op: "create" | "delete",
  machine: string,
): void {
  expect(changes.length > 0, `the preview shows no change, expected to ${op} ${machine}`);
  const others = changes.filter((change) => change.op !== op || !nameOf(change.urn).startsWith(machine));
  expect(
    others.length === 0,
    `expected only to ${op} resources of ${machine}; also: ${others.map((change) => `${change.op} ${change.urn}`).join(", ")}`,
  );
}

/**
 * A Deployment that runs on every worker and may never lose more than one pod at once: a drain that did not respect the
 * disruption budget would show.
 */
export async function startBudgeted(context: CheckContext, replicas: number): Promise<void> {
  const labels = { app: "budgeted" };
  await context.apply(
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "budgeted", namespace },
      spec: { minAvailable: replicas - 1, selector: { matchLabels: labels } },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "budgeted", namespace },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            topologySpreadConstraints: [
              {
                maxSkew: 1,
                topologyKey: "kubernetes.io/hostname",
                whenUnsatisfiable: "ScheduleAnyway",
                labelSelector: { matchLabels: labels },
              },
            ],
            containers: [
              {
                name: "nginx",
                image: httpImage,
                readinessProbe: { httpGet: { path: "/", port: 80 }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
  );
  await context.kubectl(
    ["wait", "-n", namespace, "--for=condition=Available", "deployment/budgeted", "--timeout=180s"],
    { timeout: 200_000 },
  );
}

export async function stopBudgeted(context: CheckContext): Promise<void> {
  await context.kubectl(["delete", "namespace", namespace, "--ignore-not-found", "--wait", "--timeout=120s"], {
    timeout: 140_000,
  });
}

/** The Deployment's pods and where they run: changes when one was replaced. */
export async function podsOf(context: CheckContext): Promise<readonly string[]> {
  const path = '{range .items[*]}{.metadata.uid} {.spec.nodeName}{"\\n"}{end}';
  return (await context.kubectlValue(path, "pods", "-n", namespace)).trim().split("\n").sort();
}

/** Follows the number of available pods until stopped; returns the lowest. */
export function watchAvailable(context: CheckContext): { stop(): Promise<number> } {
  let lowest = Number.POSITIVE_INFINITY;
  let stopped = false;
  const look = async (): Promise<void> => {
    while (!stopped) {
      const path = "jsonpath={.status.availableReplicas}";
      const result = await context.tryKubectl(["get", "deployment", "budgeted", "-n", namespace, "-o", path]);
      if (result.code === 0) lowest = Math.min(lowest, Number(result.stdout || 0));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  const looking = look();
  return {
    async stop() {
      stopped = true;
      await looking;
      return lowest;
    },
  };
}

/** @throws Error unless machine and Node are gone and pods run elsewhere. */
export async function expectGone(context: CheckContext, config: LabConfig, machine: string): Promise<void> {
  const nodes = await context.kubectl(["get", "nodes", "-o", "name"]);
  expect(!nodes.split("\n").includes(`node/${machine}`), `the Node ${machine} is still there`);
  const droplets = await labCloud(config).list("machines");
  expect(!droplets.some((droplet) => droplet.name === machine), `the droplet ${machine} is still there`);
  await until("pods of the removed machine run elsewhere", { timeout: 60_000 }, async () => {
    const path = '{range .items[*]}{.spec.nodeName}/{.status.phase}{"\\n"}{end}';
    const lines = (await context.kubectlValue(path, "pods", "-n", namespace)).split("\n");
    expect(
      lines.every((line) => line.endsWith("/Running") && !line.startsWith(`${machine}/`)),
      lines.join(", "),
    );
  });
}
