/** The CIS Kubernetes Benchmark 1.12: control plane (1), etcd (2), authentication and audit (3), nodes (4). Section 5 is about workloads of users. */
import type { Control } from "./control.js";
import { apiServerControls, managerControls } from "./controls/controlPlane.js";
import { etcdControls } from "./controls/etcd.js";
import { fileControls } from "./controls/files.js";
import { loggingControls } from "./controls/logging.js";
import { nodeControls } from "./controls/nodes.js";
import { exceptions } from "./exceptions.js";
import type { ClusterFacts } from "./facts.js";

export const controls: readonly Control[] = [
  ...fileControls,
  ...apiServerControls,
  ...managerControls,
  ...etcdControls,
  ...loggingControls,
  ...nodeControls,
];

export interface Finding {
  readonly id: string;
  readonly title: string;
  readonly result: "pass" | "exception" | "FAIL";
  /** The exception's reason, or the findings. */
  readonly reason: string;
}

export function walk(facts: ClusterFacts, reasons: Readonly<Record<string, string>> = exceptions): Finding[] {
  return controls.map(({ id, title, check }): Finding => {
    const problems = check(facts);
    const reason = reasons[id];
    if (problems.length === 0) {
      return reason === undefined
        ? { id, title, result: "pass", reason: "" }
        : { id, title, result: "FAIL", reason: "it passes: remove its exception from lab/cis/exceptions.ts" };
    }
    return reason === undefined
      ? { id, title, result: "FAIL", reason: problems.join("; ") }
      : { id, title, result: "exception", reason };
  });
}

/** One line; the README quotes it. */
export function summary(findings: readonly Pick<Finding, "result">[]): string {
  const count = (result: Finding["result"]): number => findings.filter((finding) => finding.result === result).length;
  const failed = count("FAIL");
  return `${count("pass")} of ${findings.length} controls pass, ${count("exception")} have a written reason${failed > 0 ? `, ${failed} FAIL` : ""}`;
}
