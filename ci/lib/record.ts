/** A preview, and the record of it that an approval is bound to. */
import { readFileSync } from "node:fs";
import { Problem } from "./command.js";
import { readChanges, type Action, type Plan } from "./changes.js";
import { remedy, runEvents } from "./engine.js";
import { previewSummary } from "./summary.js";

/** preview.json: what was previewed, without values. */
export interface PreviewRecord {
  readonly version: 1;
  readonly stack: string;
  /** Whether it may be approved at all. */
  readonly failed: boolean;
  readonly digest: string;
  readonly changes: readonly { readonly action: Action; readonly urn: string; readonly digest: string }[];
}

export interface Preview {
  readonly plan: Plan;
  readonly record: PreviewRecord;
  readonly summary: string;
  readonly failed: boolean;
  readonly remedy: string;
}

/** @param more further arguments of `pulumi preview`. */
export async function takePreview(
  stack: string,
  policies: readonly string[],
  more: readonly string[] = [],
): Promise<Preview> {
  const run = await runEvents("preview", ["preview", "--diff", "--stack", stack, ...policies, ...more]);
  const plan = readChanges(run.events);
  const failed = run.code !== 0 || !plan.complete;
  const summary = previewSummary(stack, plan, { failed, errors: run.errors, policies: policies.length > 0 });
  const record: PreviewRecord = {
    version: 1,
    stack,
    failed,
    digest: plan.digest,
    changes: plan.changes.map(({ action, urn, digest }) => ({ action, urn, digest })),
  };
  return { plan, record, summary, failed, remedy: failed ? remedy(run.errors + plan.errors.join("\n")) : "" };
}

/** Reads preview.json. @throws Problem when it is missing, invalid, or not approvable for this stack. */
export function readRecord(file: string, stack: string): PreviewRecord {
  let record: Partial<PreviewRecord>;
  try {
    record = JSON.parse(readFileSync(file, "utf8")) as Partial<PreviewRecord>;
  } catch (error) {
    throw new Problem(
      `${file}: ${(error as NodeJS.ErrnoException).code === "ENOENT" ? "is missing" : "is no preview"}; make one with "ci/preview --stack ${stack}"`,
    );
  }
  if (record.version !== 1 || typeof record.digest !== "string" || !Array.isArray(record.changes))
    throw new Problem(`${file}: is no preview of this version; make one with "ci/preview --stack ${stack}"`);
  if (record.stack !== stack)
    throw new Problem(
      `${file}: is a preview of stack "${record.stack ?? ""}", asked for is "${stack}"; give --stack or --preview`,
    );
  if (record.failed !== false)
    throw new Problem(
      `${file}: this preview failed and cannot be applied; fix what preview.md names, then run "ci/preview --stack ${stack}"`,
    );
  return record as PreviewRecord;
}

/** Differences between the approved preview and the current one, a line each; empty when they are equal. */
export function deviations(approved: PreviewRecord, now: PreviewRecord): string[] {
  if (approved.digest === now.digest) return [];
  const [before, after] = [approved, now].map(({ changes }) => new Map(changes.map((change) => [change.urn, change])));
  const lines: string[] = [];
  for (const [urn, change] of after ?? []) {
    const known = before?.get(urn);
    if (known === undefined) lines.push(`${change.action} ${urn}: was not in the preview`);
    else if (known.action !== change.action) lines.push(`${change.action} ${urn}: the preview had ${known.action}`);
    else if (known.digest !== change.digest)
      lines.push(`${change.action} ${urn}: with other values than in the preview`);
  }
  for (const [urn, change] of before ?? [])
    if (!after?.has(urn)) lines.push(`${change.action} ${urn}: was in the preview, is not wanted any more`);
  return lines;
}
