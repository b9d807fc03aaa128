/**
 * Runs suites of tests, on a machine that may have nothing yet. Ends with "N passed, N failed", and with exit code 0 only
 * when nothing failed. Arguments: names of suites (`node --import tsx test/run.ts provider lab`), `soak` for those that take
 * hours, or `prepare`, which only builds what the suites of `make test` need. @default the suites of `make test`
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { watchInterrupts } from "../lab/process/interrupts.js";
import { tryRun } from "../lab/process/run.js";
import { runPhases } from "../lab/commands/phases.js";
import { usedMemory } from "../lab/commands/memory.js";
import { removeEverything } from "../lab/commands/down.js";
import { catalogueVersions, newestVersion } from "../components/spec/versions.js";
import { buildPhases } from "../lab/commands/up.js";
import { labConfig, projectDirectory } from "../lab/config.js";
import { plainProgress } from "../lab/progress.js";
import { labClouds } from "../lab/clouds/index.js";
import { ensurePackages, ensureTools, testPackages, usualTools } from "../lab/toolchain/index.js";
import { printCoverage } from "./support/coverage.js";
import { suites, type Suite } from "./suites.js";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** What failed; repeated at the end, since often only the last lines of a log are kept. */
  failures: string[];
}

/** Characters of each failure that are repeated. */
const failureLength = 2000;

// Tests must not touch the user's own region.
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

/** @param show Takes the lines that it prints. */
async function runSuite(suite: Suite, scratch: string, show: (line: string) => void): Promise<Counts> {
  const began = Date.now();
  show(`=== ${suite.name}`);
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
  const command = suite.command ?? measured;
  const result = await tryRun(command, {
    cwd: projectDirectory,
    env: { ...environment, ...suite.env, COREKUBE_TEST_COUNTS: counts },
    timeout: suite.limit * 1000,
    onLine: show,
  });
  let total: Counts;
  if (suite.command) {
    total = {
      passed: result.code === 0 ? 1 : 0,
      failed: result.code === 0 ? 0 : 1,
      skipped: 0,
      failures: result.code === 0 ? [] : [`${command.join(" ")} ended with ${result.code}`],
    };
  } else if (existsSync(counts)) {
    total = JSON.parse(readFileSync(counts, "utf8")) as Counts;
    // A bad exit code without a failed test, or no tests at all, must not count as success.
    if (total.failed === 0 && (result.code !== 0 || total.passed === 0))
      total = { ...total, failed: 1, failures: [`${command[0]} ended with ${result.code}, ${total.passed} passed`] };
  } else {
    total = {
      passed: 0,
      failed: 1,
      skipped: 0,
      failures: [`ended with ${result.code} before it could count its tests`],
    };
    show(`${suite.name}: ${total.failures.join()}`);
  }
  const summary = join(coverage, "coverage-summary.json");
  if (suite.coverage && existsSync(summary)) printCoverage(summary, suite.coverage, show);
  show(
    `--- ${suite.name}: ${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""} (${Math.round((Date.now() - began) / 1000)} s)`,
  );
  return total;
}

/** Builds and installs what a suite needs and what is not there yet. */
async function prepare(needs: NonNullable<Suite["needs"]>): Promise<void> {
  // The cluster of `make test` begins with the oldest release: here, since a test has no time to build it.
  const releases = [newestVersion, catalogueVersions[0]];
  if (needs === "region") for (const each of releases) await runPhases(buildPhases(config, each), usedMemory());
  else await ensureTools(config, needs, plainProgress("prepare "));
}

/** Before suites run beside each other: Debian's package manager has one user at a time. */
async function preparePackages(): Promise<void> {
  const progress = plainProgress("prepare ");
  await ensurePackages(progress);
  await ensurePackages(progress, undefined, testPackages);
  for (const cloud of labClouds) await ensurePackages(progress, undefined, cloud.packages);
}

/** What all suites of `make test` need. */
async function prepareAll(): Promise<void> {
  await preparePackages();
  await prepare("region");
  const progress = plainProgress("prepare ");
  await ensureTools(config, usualTools(), progress);
  for (const cloud of labClouds) await cloud.prepare(config, progress);
}

/** @throws Error with the allowed names when one is unknown. */
function chosenSuites(names: readonly string[]): readonly Suite[] {
  const unknown = names.filter((name) => name !== "soak" && !suites.some((suite) => suite.name === name));
  if (unknown.length > 0)
    throw new Error(
      `suites: got ${unknown.join(", ")}, allowed are prepare, soak, ${suites.map(({ name }) => name).join(", ")}`,
    );
  if (names.length === 0) return suites.filter(({ soak }) => soak === undefined);
  return suites.filter(({ name, soak }) => names.includes(name) || (soak !== undefined && names.includes("soak")));
}

const longestName = Math.max(...suites.map(({ name }) => name.length));

type Lane = "region" | "waiting" | "computing";

const laneOf = ({ needs, waits }: Suite): Lane => (needs === "region" ? "region" : waits ? "waiting" : "computing");

/** Suites that run one after the other; lanes run beside each other. A region has one user at a time, and long suites take all of a machine. */
function lanesOf(chosen: readonly Suite[]): readonly (readonly Suite[])[] {
  if (chosen.some(({ soak }) => soak !== undefined)) return [chosen];
  return (["computing", "waiting", "region"] as const)
    .map((lane) => chosen.filter((suite) => laneOf(suite) === lane))
    .filter((lane) => lane.length > 0);
}

async function main(): Promise<number> {
  const { signal } = watchInterrupts();
  const total: Counts = { passed: 0, failed: 0, skipped: 0, failures: [] };
  const add = (name: string, counts: Counts): void => {
    for (const key of ["passed", "failed", "skipped"] as const) total[key] += counts[key];
    total.failures.push(...counts.failures.map((failure) => `${name}: ${failure}`));
  };
  /** Whether it succeeded; a failure counts as one failed test. */
  const succeeds = async (name: string, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      add(name, {
        passed: 0,
        failed: 1,
        skipped: 0,
        failures: [error instanceof Error ? error.message : String(error)],
      });
      return false;
    }
  };
  const names = process.argv.slice(2);
  const chosen = names.includes("prepare") ? [] : chosenSuites(names);
  if (chosen.length === 0 && (await succeeds("prepare", prepareAll))) total.passed += 1;

  const long = chosen.filter(({ soak }) => soak !== undefined);
  if (long.length > 0) {
    say(`about ${long.reduce((sum, { soak = 0 }) => sum + soak, 0)} minutes on two idle cores:`);
    for (const { name, soak = 0 } of long) say(`  ${name.padEnd(14)} ${soak} minutes`);
  }
  const scratch = mkdtempSync(join(tmpdir(), "corekube-counts-"));
  const parts: string[] = [];
  try {
    const lanes = lanesOf(chosen);
    const runLane = async (lane: readonly Suite[]): Promise<void> => {
      for (const suite of lane) {
        if (signal.aborted) break;
        if (!(await succeeds(suite.name, () => prepare(suite.needs ?? [])))) continue;
        const prefix = lanes.length > 1 ? `${suite.name.padEnd(longestName)} | ` : "";
        const counts = await runSuite(suite, scratch, (line) => say(`${prefix}${line}`));
        parts.push(`${suite.name}: ${counts.passed} passed, ${counts.failed} failed`);
        add(suite.name, counts);
      }
    };
    // Types and lint run anywhere.
    const needsPackages = chosen.some(({ needs, files }) => needs !== undefined || files !== undefined);
    if (!needsPackages || (await succeeds("prepare", preparePackages))) await Promise.all(lanes.map(runLane));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
    // The cluster suites remove their region themselves; this is for a run that was interrupted or crashed.
    if (chosen.some(({ needs }) => needs === "region")) await removeEverything(config, plainProgress("clean up "));
  }
  if (signal.aborted) {
    total.failed += 1;
    total.failures.push("interrupted");
  }
  for (const failure of total.failures) say(`\nfailed: ${failure.slice(0, failureLength)}`);
  if (parts.length > 1) say(`\n${parts.join("\n")}`);
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
