/** Access to a running cluster for checks and faults: its outputs, kubectl, and commands on its machines. */
import type { LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import { childEnvironment, kubeconfigFile } from "../engine/stack.js";
import { quote } from "../process/quote.js";
import { CommandError, run, tryRun, type RunOptions, type RunResult } from "../process/run.js";
import { onMachine } from "./ssh.js";
import type { ClusterOutputs, Machine } from "../engine/outputs.js";

export const levels = ["always", "boot", "full"] as const;
export type Level = (typeof levels)[number];

export interface Check {
  /** A sentence that holds when the check passes. */
  readonly name: string;
  /**
   * When it runs: `always` in every `make up`; `boot` in a `make up` that changed something; `full` only in `make check`
   * and `make test`. Each level includes those before it.
   */
  readonly level: Level;
  /** Whether it applies to this cluster. @default always */
  readonly applies?: (context: CheckContext) => boolean;
  /** @throws Error with what was expected and what was found. */
  run(context: CheckContext): Promise<void>;
}

export class CheckContext {
  constructor(
    readonly config: LabConfig,
    readonly stack: string,
    readonly outputs: ClusterOutputs,
    readonly progress: Progress,
  ) {}

  machines(role?: Machine["role"]): readonly Machine[] {
    return this.outputs.machines.filter((machine) => !role || machine.role === role);
  }

  /** Machines that are Kubernetes nodes. */
  nodes(): readonly Machine[] {
    return this.outputs.machines.filter((machine) => machine.role !== "etcd");
  }

  /** Standard output of kubectl with the administrator's kubeconfig. */
  kubectl(args: readonly string[], options: Omit<RunOptions, "env"> = {}): Promise<string> {
    return run(["kubectl", ...args], { timeout: 120_000, ...options, env: this.environment() });
  }

  tryKubectl(args: readonly string[], options: Omit<RunOptions, "env"> = {}): Promise<RunResult> {
    return tryRun(["kubectl", ...args], { timeout: 120_000, ...options, env: this.environment() });
  }

  /** A value of an object, by its JSONPath. @param args What `kubectl get` gets. */
  async kubectlValue(path: string, ...args: readonly string[]): Promise<string> {
    return (await this.kubectl(["get", ...args, "-o", `jsonpath=${path}`])).trim();
  }

  async kubectlJson<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl([...args, "-o", "json"])) as T;
  }

  /** Applies objects; `kubectl apply` reads JSON as well as YAML. */
  async apply(...objects: readonly object[]): Promise<void> {
    await this.kubectl(["apply", "-f", "-"], {
      input: JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
    });
  }

  /** Runs a shell command as root on a machine and returns its standard output. @param timeout Milliseconds. */
  /** @param input Standard input: what must not show on a command line, nor in sudo's log. */
  async inMachine(machine: Machine, command: string, timeout = 60_000, input?: string): Promise<string> {
    const result = await this.tryInMachine(machine, command, timeout, input);
    if (result.code !== 0) throw new CommandError([machine.name, command], result);
    return result.stdout;
  }

  tryInMachine(machine: Machine, command: string, timeout = 60_000, input?: string): Promise<RunResult> {
    return onMachine(this.config, this.outputs, machine, `sudo bash -c ${quote(command)}`, timeout, input);
  }

  private environment(): NodeJS.ProcessEnv {
    return { ...childEnvironment(this.config, this.stack), KUBECONFIG: kubeconfigFile(this.config) };
  }
}

/** @throws Error with `message` unless `condition` holds. */
export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
