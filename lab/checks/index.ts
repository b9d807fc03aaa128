/** All checks of a cluster, and what runs them. */
import type { LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import { pulumi } from "../engine/stack.js";
import type { ClusterOutputs } from "../engine/outputs.js";
import { accessChecks } from "./access.js";
import { awsChecks } from "./aws.js";
import { balancerChecks } from "./balancers.js";
import { cisChecks } from "./cis.js";
import { CheckContext, levels, type Check, type Level } from "../cluster/context.js";
import { leakChecks } from "./leaks.js";
import { metricsChecks } from "./metrics.js";
import { proxiedChecks } from "./proxied.js";
import { poolChecks } from "./pools.js";
import { nodeChecks } from "./nodes.js";
import { portChecks } from "./ports.js";
import { reachChecks } from "./reach.js";
import { nodePort, trafficChecks } from "./traffic.js";
import { startWorkload, stopWorkload } from "./workload.js";

const programChecks: readonly Check[] = [
  {
    name: "pulumi preview expects no changes",
    level: "full",
    run: async (context) => {
      await pulumi(context.config, ["preview", "--expect-no-changes", "--stack", context.stack], {
        stack: context.stack,
      });
    },
  },
];

/** In the order in which they run. */
const checks: readonly Check[] = [
  ...nodeChecks,
  ...accessChecks.filter((check) => check.level === "always"),
  ...poolChecks,
  ...awsChecks,
  ...trafficChecks,
  ...reachChecks,
  ...metricsChecks,
  ...balancerChecks,
  ...accessChecks.filter((check) => check.level !== "always"),
  ...proxiedChecks,
  ...portChecks,
  ...leakChecks,
  ...cisChecks,
  ...programChecks,
];

export interface CheckResult {
  readonly name: string;
  readonly seconds: number;
  /** Undefined: passed. */
  readonly failure?: string;
}

/** Checks of a level and those before it. */
export function checksOf(level: Level): readonly Check[] {
  return checks.filter((check) => levels.indexOf(check.level) <= levels.indexOf(level));
}

/** True when checks of this level need the workload. */
function needsWorkload(level: Level): boolean {
  return level !== "always";
}

/** Runs the checks of a level one after another; a failed one does not keep the others from running. */
export async function runChecks(
  config: LabConfig,
  stack: string,
  outputs: ClusterOutputs,
  level: Level,
  progress: Progress,
): Promise<CheckResult[]> {
  const context = new CheckContext(config, stack, outputs, progress);
  const results: CheckResult[] = [];
  const attempt = async (name: string, action: () => Promise<void>): Promise<boolean> => {
    const began = Date.now();
    try {
      await action();
      results.push({ name, seconds: (Date.now() - began) / 1000 });
      progress.report(`ok    ${name}`);
      return true;
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      results.push({ name, seconds: (Date.now() - began) / 1000, failure });
      progress.report(`FAIL  ${name}: ${failure}`);
      return false;
    }
  };
  const applying = (at: Level): readonly Check[] => checksOf(at).filter((check) => check.applies?.(context) ?? true);
  const first = applying("always");
  for (const check of first) await attempt(check.name, () => check.run(context));
  if (!needsWorkload(level)) return results;
  // Pods of the workload have no place to run on nodes that are not Ready.
  const healthy = results.every((result) => result.failure === undefined);
  const started = healthy && (await attempt("pods of the check become ready", () => startWorkload(context, nodePort)));
  for (const check of applying(level)) {
    if (first.includes(check) || progress.signal?.aborted) continue;
    if (started) await attempt(check.name, () => check.run(context));
    else
      results.push({
        name: check.name,
        seconds: 0,
        failure: "not run: the cluster is not healthy enough for it, see above",
      });
  }
  if (healthy) await attempt("the check's pods are removed again", () => stopWorkload(context));
  return results;
}
