/**
 * Makes what lab regions and the tests need: Debian packages, all tools, the machines' image, the mirror.
 * Run: `npx tsx lab/mirror/main.ts`.
 */
import { labConfig } from "../config.js";
import { ensureBase } from "../region/base.js";
import { plainProgress } from "../progress.js";
import { versions } from "../toolchain/versions.js";
import { binDirectory, ensurePackages, ensureTools, usualTools } from "../toolchain/index.js";
import { ensureMirror, planMirror } from "./index.js";

async function main(): Promise<void> {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(name, () => stop.abort(new Error(`ended by ${name}`)));
  const progress = plainProgress("", stop.signal);
  const config = labConfig();
  await ensurePackages(progress);
  await ensureTools(config, usualTools(), progress);
  const base = await ensureBase(config, progress);
  await ensureMirror(config, await planMirror(config, versions, progress, []), progress);
  progress.report(`ready: machine image ${base.key}, tools in ${binDirectory(config)}`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
