/** Time, memory and processor use of one run of `pulumi`. */
import { pulumiCommand } from "../engine/run.js";
import { childEnvironment } from "../lab/engine/stack.js";
import { projectDirectory, type LabConfig } from "../lab/config.js";
import { run } from "../lab/process/run.js";
import { watchProcesses, type Usage } from "./processes.js";

export interface Measured extends Usage {
  readonly workers: number;
  /** Duration of the command. */
  readonly seconds: number;
  /** Resources to create, or that stay as they are; components and providers included. */
  readonly resources: number;
  readonly output: string;
}

/**
 * Measures a run with text output, as users see it.
 * @param env Added to the environment.
 * @throws CommandError when it fails.
 */
export async function measure(
  config: LabConfig,
  stack: string,
  workers: number,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Measured> {
  const began = performance.now();
  let watch: ReturnType<typeof watchProcesses> | undefined;
  const output = await run(pulumiCommand([...args, "--stack", stack]), {
    cwd: projectDirectory,
    env: { ...childEnvironment(config, stack), ...env },
    onStart: (pid) => (watch = watchProcesses(pid)),
  });
  const seconds = (performance.now() - began) / 1000;
  const resources = Number(/(?:\+ (\d+) to create| (\d+) unchanged)/.exec(output)?.slice(1).find(Boolean) ?? 0);
  return { workers, seconds, resources, output, ...watch!.stop() };
}

/** The run with the median time. */
export function median(runs: readonly Measured[]): Measured {
  const sorted = [...runs].sort((left, right) => left.seconds - right.seconds);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error("the median needs at least one run");
  return middle;
}
