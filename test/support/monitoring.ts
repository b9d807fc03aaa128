/** Expressions of the example `monitoring`: those of its alerts and of its dashboard. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity?: string };
  readonly annotations: Readonly<Record<string, string>>;
}

export function alerts(folder: string): Alert[] {
  const { groups } = parse(readFileSync(join(folder, "rules.yml"), "utf8")) as { groups: { rules: Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string }[];
}

export const panels = (folder: string): Panel[] =>
  (JSON.parse(readFileSync(join(folder, "corekube.json"), "utf8")) as { panels: Panel[] }).panels;

export const expressions = (folder: string): string[] => [
  ...alerts(folder).map(({ expr }) => expr),
  ...panels(folder).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
];

/** Names of the metrics that an expression asks for; not those that Prometheus makes itself. */
export function metricNames(expression: string): string[] {
  const bare = expression.replaceAll(/\{[^}]*\}/g, "{}").replaceAll(/\b(by|on|without|ignoring) \([^)]*\)/g, "");
  return [...bare.matchAll(/\b([A-Za-z][A-Za-z0-9_]*)(?=\{|\[)|\bup\b/g)].map(([, name]) => name ?? "up");
}
