/** What the scheduled check found, as Markdown and as a record for `ci/report`. */
import { readFileSync } from "node:fs";
import { Problem } from "./command.js";
import { shortType, type Change, type Plan } from "./changes.js";
import { ending, type Certificate, type Thresholds } from "./certificates.js";
import { code, escape, table } from "./markdown.js";

/** drift.json. `clean`: nothing found; `found`: drift or certificates that end; `failed`: the check itself failed. */
interface DriftRecord {
  readonly version: 1;
  readonly stack: string;
  readonly result: "clean" | "found" | "failed";
  readonly drifted: readonly string[];
  readonly certificates: readonly string[];
}

export interface Findings {
  readonly stack: string;
  readonly plan: Plan;
  readonly certificates: readonly Certificate[];
  readonly thresholds: Thresholds;
  /** The check failed: why. */
  readonly failure?: string;
}

export function driftRecord({ stack, plan, certificates, thresholds, failure }: Findings): DriftRecord {
  const drifted = plan.changes.map(({ urn }) => urn);
  const soon = ending(certificates, thresholds).map(({ name }) => name);
  const result = failure !== undefined ? "failed" : drifted.length + soon.length > 0 ? "found" : "clean";
  return { version: 1, stack, result, drifted, certificates: soon };
}

export function driftReport(findings: Findings): string {
  const { stack, plan, certificates, thresholds, failure } = findings;
  const soon = ending(certificates, thresholds);
  const { result } = driftRecord(findings);
  const title = {
    clean: "no drift, no certificate ends soon",
    found: [
      plan.changes.length > 0 ? `${plan.changes.length} drifted` : "",
      soon.length > 0 ? `${soon.length} certificates end soon` : "",
    ]
      .filter(Boolean)
      .join(", "),
    failed: "❌ the check failed",
  }[result];
  const blocks = [
    `## Stack ${code(stack)}: ${title}`,
    failure !== undefined
      ? `### The check failed\n\n\`\`\`text\n${failure.replaceAll("```", "'''").trim()}\n\`\`\``
      : "",
    plan.changes.length > 0 ? driftBlock(plan.changes) : "",
    soon.length > 0
      ? `### Certificates\n\nWithin ${thresholds.days} days (authorities: ${thresholds.authorityDays}):\n\n${certificateTable(soon)}\n\n${renewal(soon)}`
      : "",
    certificates.length > 0 && soon.length < certificates.length
      ? `<details><summary>All ${certificates.length} certificates in the state</summary>\n\n${certificateTable(certificates)}\n\n</details>`
      : "",
    `${plan.unchanged} resources match the state.`,
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function driftBlock(changes: readonly Change[]): string {
  const lines = changes.map((change) => {
    const what = change.action === "delete" ? "**is gone**" : "was changed";
    const properties = change.properties.map(({ path, text }) => `\n  - ${code(path)} ${escape(text)}`).join("");
    return `- ${escape(change.name)} (${escape(shortType(change.type))}, ${escape(change.component)}) ${what}${properties}`;
  });
  return [
    "### Drift: the cloud differs from the state",
    "",
    ...lines,
    "",
    "Wanted? Take it into the settings. Not wanted? `pulumi up` after `pulumi refresh` puts it back (`pulumi preview --refresh` shows what it would do). How it came about: the cloud's audit log.",
  ].join("\n");
}

function certificateTable(certificates: readonly Certificate[]): string {
  return table(
    ["certificate", "ends", "days left"],
    certificates.map(({ name, authority, ends, days }) => [
      `${escape(name)}${authority ? " (authority)" : ""}`,
      ends === undefined ? "cannot be read" : ends.toISOString().slice(0, 10),
      days === undefined ? "?" : days < 0 ? `**ended ${-days} days ago**` : String(days),
    ]),
  );
}

function renewal(soon: readonly Certificate[]): string {
  const lines = [];
  if (soon.some(({ authority }) => !authority))
    lines.push(
      "Certificates of machines and of the administrator are renewed by `pulumi up` in the last days of their life: preview, approve, run.",
    );
  if (soon.some(({ authority }) => authority))
    lines.push("**A certificate authority ends**: what it signed ends with it. Plan its rotation now.");
  return lines.join("\n");
}

/** @throws Problem when the file is missing or invalid. */
export function readDriftRecord(file: string): DriftRecord {
  let record: Partial<DriftRecord>;
  try {
    record = JSON.parse(readFileSync(file, "utf8")) as Partial<DriftRecord>;
  } catch (error) {
    throw new Problem(
      `${file}: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? "is missing" : "is no record of a check"}; make one with ci/drift`,
    );
  }
  if (record.version !== 1 || !["clean", "found", "failed"].includes(record.result ?? "") || !record.stack)
    throw new Problem(`${file}: is no record of a check; make one with ci/drift`);
  return record as DriftRecord;
}
