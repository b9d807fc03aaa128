/** How commands reach the region's network namespaces, and what keeps them in order. */
import { run } from "../process/run.js";

/** The command as it runs inside a network namespace. (`ip netns exec` would remount /sys as well.) */
export const inNamespace = (namespace: string, command: readonly string[]): readonly string[] => [
  "nsenter",
  `--net=/run/netns/${namespace}`,
  "--",
  ...command,
];

/** Runs many `ip` commands in one process. `namespace` null: the namespace that this process is in. */
export async function ip(namespace: string | null, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const where = namespace === null ? [] : ["-n", namespace];
  await run(["ip", ...where, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** Sets sysctls of a network namespace; names with slashes, as under /proc/sys (an interface's name may hold dots). */
export async function setSysctls(namespace: string, values: Readonly<Record<string, string | number>>): Promise<void> {
  const script = Object.entries(values).map(([name, value]) => `echo ${value} > /proc/sys/${name}`);
  await run(inNamespace(namespace, ["sh", "-ec", script.join("\n")]));
}

/** A tail of tasks, run one after another: for what must not be done twice at the same time. */
export class Serial {
  private tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.tail.then(task, task);
    this.tail = result.catch(() => undefined);
    return result;
  }
}
