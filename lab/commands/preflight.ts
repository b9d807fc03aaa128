/** Checks before anything is done, each with a remedy. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { toolchain } from "../../components/spec/versions.js";
import { tryRun } from "../process/run.js";
import type { LabConfig } from "../config.js";
import {
  failed,
  freeBytes,
  gigabyte,
  machineChecks,
  passed,
  type CheckResult,
  type MachineCheck,
} from "../region/preflight.js";
import { fileDigest } from "../toolchain/download.js";

/** What the checks inspect; tests replace it. */
export interface Host {
  readonly nodeVersion: string;
  /** Version of Go on PATH, such as `1.26.8`; undefined: none. */
  goVersion(): Promise<string | undefined>;
  /** Free bytes on the file system of a folder, which need not exist yet. */
  freeBytes(folder: string): number;
}

/** Go's module and build caches after everything was built once. */
const buildSpace = 12 * gigabyte;

/** Whether the mirror exists: then nothing is left to build. */
const isWarm = (config: LabConfig): boolean => existsSync(join(config.cache, "mirror"));

function atLeast(version: string, least: readonly number[]): boolean {
  const parts = version.replace(/^v/, "").split(".").map(Number);
  for (const [index, want] of least.entries()) {
    const got = parts[index] ?? 0;
    if (got !== want) return got > want;
  }
  return true;
}

/** What the lab needs beyond what its machines need. */
export function hostChecks(host: Host = thisHost): readonly MachineCheck[] {
  return [
    {
      name: "Node",
      run: async () =>
        atLeast(host.nodeVersion, [20, 19])
          ? passed
          : failed(`version ${host.nodeVersion}, at least 20.19 is needed`, "install a newer Node and put it on PATH"),
    },
    {
      name: "Go",
      run: async (config) => {
        if (isWarm(config)) return passed;
        const wanted = toolchain.go;
        const found = await host.goVersion();
        if (found && atLeast(found, wanted.split(".").slice(0, 2).map(Number))) return passed;
        return failed(
          found ? `version ${found}, ${wanted} or newer is needed` : "not on PATH",
          `install Go ${wanted} and put it on PATH; it builds what cannot be downloaded`,
        );
      },
    },
    {
      name: "disk space for builds",
      run: async (config) => {
        const folder = process.env["GOCACHE"] ?? homedir();
        const free = host.freeBytes(folder);
        if (isWarm(config) || free >= buildSpace) return passed;
        return failed(
          `${(free / gigabyte).toFixed(1)} GB free at ${folder}, needed ${buildSpace / gigabyte} GB`,
          "free some space, or set GOCACHE and GOMODCACHE to folders on a larger disk",
        );
      },
    },
    { name: "files of the mirror", run: checkMirrorFiles },
  ];
}

interface Checksums {
  readonly releases: Readonly<Record<string, string>>;
}

/** The mirror's files must match their recorded checksums; machines refuse them otherwise. */
async function checkMirrorFiles(config: LabConfig): Promise<CheckResult> {
  const record = join(config.directory, "checksums.json");
  if (!existsSync(record)) return passed; // First run: the mirror is created later.
  let checksums: Checksums;
  try {
    checksums = JSON.parse(readFileSync(record, "utf8")) as Checksums;
  } catch (error) {
    return failed(
      `${record} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      `remove it; the run creates it again: rm ${record}`,
    );
  }
  for (const [address, expected] of Object.entries(checksums.releases)) {
    const url = new URL(address);
    const file = join(config.cache, "mirror", "files", url.host, url.pathname);
    if (!existsSync(file)) continue; // Created again by the run.
    const found = await fileDigest(file);
    if (found !== expected)
      return failed(
        `${file} has sha256 ${found}, recorded is ${expected}`,
        `it was changed or truncated; remove it, and the run creates it again: rm ${file}`,
      );
  }
  return passed;
}

/** This machine. */
const thisHost: Host = {
  nodeVersion: process.versions.node,
  async goVersion() {
    const result = await tryRun(["go", "env", "GOVERSION"]).catch(() => undefined);
    return result?.code === 0 ? result.stdout.trim().replace(/^go/, "") : undefined;
  },
  freeBytes,
};

/** Checks that need no package. */
export const firstChecks: readonly MachineCheck[] = machineChecks.filter((check) => check.name === "runs as root");

/**
 * Runs all checks in order.
 * @throws Error with the findings and remedies of all failed checks.
 */
export async function preflight(config: LabConfig, checks: readonly MachineCheck[]): Promise<void> {
  const problems: string[] = [];
  for (const check of checks) {
    const result = await check.run(config);
    if (!result.ok) problems.push(`preflight, ${check.name}: ${result.found}\n  what to do: ${result.remedy}`);
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));
}
