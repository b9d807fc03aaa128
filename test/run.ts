/**
 * `make test`: everything, on a machine that may have nothing yet. Ends with "N passed, N failed", and with exit code 0
 * only when nothing failed.
 *
 * Names of suites as arguments run only those: `node --import tsx test/run.ts provider lab`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { watchInterrupts } from "../lab/process/interrupts.js";
import { tryRun } from "../lab/commands/process.js";
import { runPhases } from "../lab/commands/phases.js";
import { usedMemory } from "../lab/commands/memory.js";
import { removeEverything } from "../lab/commands/down.js";
import { buildPhases } from "../lab/commands/up.js";
import { labConfig, projectDirectory } from "../lab/config.js";
import { plainProgress } from "../lab/progress.js";
import { ensurePackages, testPackages } from "../lab/toolchain/index.js";
import { printCoverage } from "./support/coverage.js";
import { suites, type Suite } from "./suites.js";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed, said again at the end: a log of many minutes is often kept in its last lines only. */
  failures: string[];
}

/** Characters of each failure that are said again. */
const failureLength = 600;

// The user's own region is none of the tests' business.
const config = labConfig({
  ...process.env,
  COREKUBE_LAB: "test",
  COREKUBE_LAB_DIR: process.env["COREKUBE_TEST_DIR"] ?? join(projectDirectory, ".lab", "test"),
});
const environment: NodeJS.ProcessEnv = { ...process.env, COREKUBE_LAB: "test", COREKUBE_LAB_DIR: config.directory };

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
const binary = (name: string): string => join(projectDirectory, "node_modules", ".bin", name);

async function runSuite(suite: Suite, scratch: string): Promise<Counts> {
  const began = Date.now();
  say(`\n=== ${suite.name}`);
  const counts = join(scratch, `${suites.indexOf(suite)}.json`);
  const coverage = join(scratch, "coverage");
  const mocha = [
    binary("mocha"),
    "--reporter",
    join(projectDirectory, "test", "support", "reporter.ts"),
    ...(suite.files ?? []),
  ];
  const measured = suite.coverage
    ? [
        binary("c8"),
        "--reporter=json-summary",
        `--reports-dir=${coverage}`,
        "--all",
        "--exclude=**/*.d.ts",
        ...suite.coverage.flatMap((folder) => ["--include", `${folder}/**/*.ts`]),
        ...mocha,
      ]
    : mocha;
  const [command = "", ...args] = suite.command
    ? [binary(suite.command[0] ?? ""), ...suite.command.slice(1)]
    : measured;
  const result = await tryRun(command, args, {
    cwd: projectDirectory,
    env: { ...environment, COREKUBE_TEST_COUNTS: counts },
    timeout: suite.limit,
    onLine: (line) => say(line),
  });
  let total: Counts;
  if (suite.command) {
    total = {
      passed: result.code === 0 ? 1 : 0,
      failed: result.code === 0 ? 0 : 1,
      skipped: 0,
      failures: result.code === 0 ? [] : [`${command} ended with ${result.code}`],
    };
  } else if (existsSync(counts)) {
    total = JSON.parse(readFileSync(counts, "utf8")) as Counts;
    // Ended badly although no test failed, or nothing was found to run: neither may pass for success.
    if (total.failed === 0 && (result.code !== 0 || total.passed === 0))
      total = { ...total, failed: 1, failures: [`${command} ended with ${result.code}, ${total.passed} passed`] };
  } else {
    total = {
      passed: 0,
      failed: 1,
      skipped: 0,
      failures: [`ended with ${result.code} before it could count its tests`],
    };
    say(`${suite.name}: ${total.failures.join()}`);
  }
  const summary = join(coverage, "coverage-summary.json");
  if (suite.coverage && existsSync(summary)) printCoverage(summary, suite.coverage, say);
  say(
    `--- ${suite.name}: ${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""} (${Math.round((Date.now() - began) / 1000)} s)`,
  );
  return total;
}

async function main(): Promise<number> {
  const { signal } = watchInterrupts();
  const chosen = process.argv.slice(2);
  const unknown = chosen.filter((name) => !suites.some((suite) => suite.name.startsWith(name)));
  if (unknown.length > 0)
    throw new Error(
      `suites: got ${unknown.join(", ")}, allowed are ${suites.map((suite) => suite.name.split(":")[0]).join(", ")}`,
    );
  const scratch = mkdtempSync(join(tmpdir(), "corekube-test-"));
  const total: Counts = { passed: 0, failed: 0, skipped: 0, failures: [] };
  try {
    const prepare = async (): Promise<boolean> => {
      say("=== tools, machine base and mirror that the suites need");
      try {
        await runPhases(buildPhases(config), usedMemory());
        await ensurePackages(plainProgress("packages "), undefined, testPackages);
        return true;
      } catch (error) {
        total.failures.push(`could not be prepared: ${error instanceof Error ? error.message : String(error)}`);
        total.failed += 1;
        return false;
      }
    };
    let prepared: boolean | undefined;
    for (const suite of suites) {
      if (chosen.length > 0 ? !chosen.some((name) => suite.name.startsWith(name)) : suite.onDemand) continue;
      if (signal.aborted) break;
      if (suite.files && prepared === undefined) prepared = await prepare();
      const counts = await runSuite(suite, scratch);
      for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
      total.failures.push(...counts.failures.map((failure) => `${suite.name}: ${failure}`));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    // The cluster suite removes its region itself; this is for the run that was interrupted or crashed.
    if (process.getuid?.() === 0) await removeEverything(config, plainProgress("clean up "));
  }
  if (signal.aborted) {
    total.failed += 1;
    total.failures.push("interrupted");
  }
  for (const failure of total.failures) say(`\nfailed: ${failure.slice(0, failureLength)}`);
  if (total.skipped > 0) say(`\n${total.skipped} skipped`);
  say(`\n${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    say("\n0 passed, 1 failed");
    process.exit(1);
  },
);
