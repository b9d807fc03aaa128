import type { ChildProcess } from "node:child_process";

const children = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

/** Ends a child with this process at the latest, also when a test's own cleaning up was skipped. */
export function killAtExit(child: ChildProcess): void {
  children.add(child);
  child.once("exit", () => children.delete(child));
}
