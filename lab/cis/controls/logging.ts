/** 3: authentication and audit logs. */
import { parse } from "yaml";
import { ofProgram, set, type Control } from "../control.js";

interface Rule {
  readonly level: string;
  readonly resources?: readonly { readonly group?: string; readonly resources?: readonly string[] }[];
  readonly verbs?: readonly string[];
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
}

/** The first of the benchmark's key concerns that a policy does not cover, or undefined. */
export function policyGap(text: string | undefined): string | undefined {
  const rules = ((text ? (parse(text) as { rules?: Rule[] } | null) : null)?.rules ?? []) as readonly Rule[];
  if (rules.length === 0) return "there is no policy";
  const levelOf = (resource: string): string | undefined =>
    rules.find(
      (rule) =>
        !rule.users &&
        !rule.userGroups &&
        !rule.verbs &&
        (rule.resources?.some(
          ({ group = "", resources }) => group === "" && (resources === undefined || resources.includes(resource)),
        ) ??
          rule.level !== "None"),
    )?.level;
  for (const resource of ["secrets", "configmaps"]) {
    if (levelOf(resource) !== "Metadata")
      return `${resource} are logged at ${levelOf(resource) ?? "None"}, expected Metadata, without contents`;
  }
  for (const resource of ["pods", "pods/exec", "pods/portforward", "pods/proxy", "services/proxy"]) {
    if (["None", undefined].includes(levelOf(resource))) return `${resource} are not logged`;
  }
  return undefined;
}

export const loggingControls: readonly Control[] = [
  { id: "3.1.1", title: "no client certificates for people", check: () => ["the stack's kubeconfig holds one"] },
  {
    id: "3.1.2",
    title: "no service account tokens for people: none without expiry",
    check: ({ tokens }) =>
      tokens["kubernetes.io/service-account-token"].map((name) => `Secret ${name} is a token without expiry`),
  },
  {
    id: "3.1.3",
    title: "no bootstrap tokens for people: none remains after a join",
    check: ({ tokens }) => tokens["bootstrap.kubernetes.io/token"].map((name) => `Secret ${name} is a bootstrap token`),
  },
  set("3.2.1", "kube-apiserver", "audit-policy-file"),
  ofProgram(
    "3.2.2",
    "kube-apiserver",
    "audit policy: Secrets by metadata, pods and their exec and proxies",
    ({ flags }, machine) => policyGap(machine.texts.get(flags.get("audit-policy-file") ?? "")),
  ),
];
