/** One `pulumi preview`, measured. */
import { spawn } from "node:child_process";
import { childEnvironment } from "../lab/engine/stack.js";
import { projectDirectory, type LabConfig } from "../lab/config.js";
import { watchProcesses, type Usage } from "./processes.js";

export interface Preview extends Usage {
  readonly workers: number;
  /** From the command's start to its end. */
  readonly seconds: number;
  /** Resources of the engine that would be made, components and providers included. */
  readonly resources: number;
}

/** @throws Error with the engine's last lines when the preview fails. */
export async function measurePreview(config: LabConfig, stack: string, workers: number): Promise<Preview> {
  const began = performance.now();
  const child = spawn("pulumi", ["preview", "--stack", stack, "--non-interactive", "--color", "never"], {
    cwd: projectDirectory,
    env: childEnvironment(config, stack),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => lines.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => lines.push(chunk));
  const code = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const watch = child.pid === undefined ? undefined : watchProcesses(child.pid);
  const ended = await code;
  const seconds = (performance.now() - began) / 1000;
  const output = Buffer.concat(lines).toString();
  if (ended !== 0 || watch === undefined)
    throw new Error(
      `pulumi preview of ${workers} workers ended with ${ended}:\n${output.split("\n").slice(-40).join("\n")}`,
    );
  return { workers, seconds, resources: Number(/\+ (\d+) to create/.exec(output)?.[1] ?? 0), ...watch.stop() };
}

/** The run whose time is in the middle. */
export function median(previews: readonly Preview[]): Preview {
  const sorted = [...previews].sort((left, right) => left.seconds - right.seconds);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error("the median of nothing; at least one run is needed");
  return middle;
}
