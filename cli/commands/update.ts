/** `corekube update`: changed settings, shown with what they do before anything is changed. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changeOf, differenceLines, readOptions, type SettingsChange } from "../options.js";
import { print, say } from "../output.js";
import { renderPlan } from "../plans/render.js";
import { badUsage, exitCodes, type ExitCode } from "../problem.js";
import { carryOut, confirmed, type RunOptions, urnsOf } from "../run.js";
import { Stack } from "../stack.js";
import { type ReleaseOptions, releaseSettings } from "../releases.js";
import { recordedReleases } from "../versions.js";
import { takePreview } from "./plan.js";

export interface UpdateOptions extends RunOptions, ReleaseOptions {
  /** A file. */
  readonly options?: string;
}

export async function update(options: UpdateOptions): Promise<ExitCode> {
  const stack = new Stack(options);
  const fromFile = optionsFile(options);
  const [config, state, file] = await Promise.all([stack.config(), stack.state(), stack.settingsFile()]);
  const wanted = fromFile ?? releaseSettings(options, recordedReleases(state))!;
  const change = changeOf(config, wanted);
  if (change.differences.length === 0) {
    say("the settings are as wanted; nothing was changed");
    return exitCodes.ok;
  }
  print(`Differences of the settings:\n${differenceLines(change.differences).join("\n")}\n\n`);
  // The engine previews with a copy of the settings: whatever is refused, the stack's own file was never touched.
  const folder = mkdtempSync(join(tmpdir(), "corekube-update-"));
  try {
    const copy = join(folder, "settings.yaml");
    if (existsSync(file)) copyFileSync(file, copy);
    else writeFileSync(copy, "{}\n", { mode: 0o600 });
    await writeSettings(stack, change, ["--config-file", copy]);
    const { plan, changes, topology } = await takePreview(stack, "update", state, { args: ["--config-file", copy] });
    print(renderPlan(plan));
    const command = `corekube update ${flagsOf(options)}${stack.flags}`;
    if (!(await confirmed("Set this, and change the cluster as shown?", options, command))) {
      say("nothing was changed");
      return exitCodes.failed;
    }
    await writeSettings(stack, change);
    return await carryOut(stack, { plan: "update", args: [], topology, urns: urnsOf(state), changes }, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function flagsOf({ options, version, soak, finalize, back }: UpdateOptions): string {
  if (options !== undefined) return `--options ${options}`;
  if (finalize === true) return "--finalize";
  return back === true ? "--back" : `--version ${version ?? ""}${soak === false ? " --no-soak" : ""}`;
}

/** Undefined: another option says what changes. */
function optionsFile({
  version,
  finalize,
  back,
  options,
}: UpdateOptions): Readonly<Record<string, unknown>> | undefined {
  if (version !== undefined || finalize === true || back === true) return undefined;
  const run = "corekube update --options FILE";
  if (options === undefined)
    throw badUsage({
      path: "corekube update",
      got: "nothing to change",
      allowed: "--version, --finalize, --back, --options",
      run,
    });
  if (!existsSync(options))
    throw badUsage({ path: "--options", got: `${options}, which does not exist`, allowed: "a file", run });
  return readOptions(readFileSync(options, "utf8"), options);
}

async function writeSettings(
  stack: Stack,
  { set, remove }: SettingsChange,
  flags: readonly string[] = [],
): Promise<void> {
  if (Object.keys(set).length > 0) await stack.read("config", "set-all", "--json", JSON.stringify(set), ...flags);
  if (remove.length > 0) await stack.read("config", "rm-all", ...remove, ...flags);
}
