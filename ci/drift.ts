/** `ci/drift`: compares the cloud with the state and checks when certificates expire. Changes nothing. */
import { join } from "node:path";
import { readCertificates, type Certificate } from "./lib/certificates.js";
import { readDrift, type Plan } from "./lib/changes.js";
import {
  exitCodes,
  outputDirectory,
  Problem,
  readOptions,
  say,
  showOnRun,
  stackOf,
  start,
  wholeNumber,
  writeOutput,
} from "./lib/command.js";
import { driftRecord, driftReport } from "./lib/driftReport.js";
import { exportState, remedy, runEvents } from "./lib/engine.js";

const help = `
ci/drift: compare the cloud with the state, and check when certificates expire

  ci/drift [--stack NAME] [--certificate-days N] [--authority-days N] [--out FOLDER]

  --stack NAME           the stack (default: variable PULUMI_STACK)
  --certificate-days N   report certificates with fewer days left, 0 to 20000 (default: variable CERTIFICATE_DAYS, else 30)
  --authority-days N     the same for certificate authorities (default: variable AUTHORITY_DAYS, else 180)
  --out FOLDER           where drift.md (for people) and drift.json (for ci/report) go (default: ${outputDirectory})

Runs "pulumi refresh --preview-only": neither cloud nor state are changed. Neither file holds a secret.

Exit codes: 0 clean, 1 the check failed, 2 drift or certificates found (drift.md names them)
`;

const nothing: Plan = { changes: [], violations: [], errors: [], unchanged: 0, complete: false, digest: "" };

start("drift", async () => {
  const options = readOptions(help, {
    stack: { type: "string", short: "s" },
    "certificate-days": { type: "string", default: process.env["CERTIFICATE_DAYS"] || "30" },
    "authority-days": { type: "string", default: process.env["AUTHORITY_DAYS"] || "180" },
    out: { type: "string", default: outputDirectory },
  });
  const stack = stackOf(options.stack);
  const thresholds = {
    days: wholeNumber("--certificate-days", options["certificate-days"], 0, 20_000),
    authorityDays: wholeNumber("--authority-days", options["authority-days"], 0, 20_000),
  };
  let certificates: readonly Certificate[] = [];
  let plan = nothing;
  let failure: string | undefined;
  try {
    // First, because it is quick and fails when backend or stack are missing.
    certificates = readCertificates(await exportState(stack));
    const run = await runEvents("drift", ["refresh", "--preview-only", "--diff", "--stack", stack]);
    plan = readDrift(run.events);
    if (run.code !== 0 || !plan.complete) {
      const errors = plan.errors.length > 0 ? plan.errors.join("\n") : run.errors.trim();
      failure = `pulumi refresh --preview-only ended with ${run.code}:\n${errors}${remedy(run.errors + errors)}`;
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    failure = error.message;
  }
  const findings = { stack, plan, certificates, thresholds, ...(failure === undefined ? {} : { failure }) };
  const record = driftRecord(findings);
  const report = driftReport(findings);
  writeOutput(join(options.out, "drift.md"), report);
  writeOutput(join(options.out, "drift.json"), `${JSON.stringify(record, undefined, 2)}\n`);
  showOnRun(report);
  process.stdout.write(report);
  say(`${record.result}; written to ${options.out}/drift.md and drift.json`);
  return { clean: exitCodes.done, found: exitCodes.found, failed: exitCodes.failed }[record.result];
});
