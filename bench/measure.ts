/** Time, memory and processor use of one `pulumi preview`. */
import { pulumiCommand } from "../engine/run.js";
import { childEnvironment } from "../lab/engine/stack.js";
import { projectDirectory, type LabConfig } from "../lab/config.js";
import { run } from "../lab/process/run.js";
import { watchProcesses, type Usage } from "./processes.js";

export interface Preview extends Usage {
  readonly workers: number;
  /** Duration of the command. */
  readonly seconds: number;
  /** Resources to create, components and providers included. */
  readonly resources: number;
}

/** Measures a preview with text output, as users run it. @throws CommandError when it fails. */
export async function measurePreview(config: LabConfig, stack: string, workers: number): Promise<Preview> {
  const began = performance.now();
  let watch: ReturnType<typeof watchProcesses> | undefined;
  const output = await run(pulumiCommand(["preview", "--stack", stack]), {
    cwd: projectDirectory,
    env: childEnvironment(config, stack),
    onStart: (pid) => (watch = watchProcesses(pid)),
  });
  const seconds = (performance.now() - began) / 1000;
  const resources = Number(/\+ (\d+) to create/.exec(output)?.[1] ?? 0);
  return { workers, seconds, resources, ...watch!.stop() };
}

/** The preview with the median time. */
export function median(previews: readonly Preview[]): Preview {
  const sorted = [...previews].sort((left, right) => left.seconds - right.seconds);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error("the median needs at least one run");
  return middle;
}
