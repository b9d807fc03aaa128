/** Carries a plan out: shows it first, asks, runs pulumi up, shows where it stands, and leaves a timeline. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { EngineProgress } from "../engine/progress.js";
import { Live } from "./live.js";
import { isWarning, print, say } from "./output.js";
import { RunProgress, type Changes } from "./plans/fromEvents.js";
import type { PlanName } from "./plans/names.js";
import { planOf } from "./plans/plan.js";
import { renderPlan } from "./plans/render.js";
import { refOf, together, type Topology, topologyOf } from "./plans/topology.js";
import { badUsage, exitCodes, type ExitCode } from "./problem.js";
import type { Stack, StackOptions } from "./stack.js";
import { Timeline, timelineSvg, timelineText } from "../engine/timeline.js";

export interface RunOptions extends StackOptions {
  /** Do not ask. */
  readonly yes?: boolean;
  /** Folder of the timeline's files. False: none. */
  readonly timeline: string | false;
}

/**
 * Whether the user says yes.
 * @throws Problem where nobody can be asked.
 */
export async function confirmed(question: string, { yes }: RunOptions, command: string): Promise<boolean> {
  if (yes === true) return true;
  if (!process.stdin.isTTY)
    throw badUsage({
      path: "standard input",
      got: "no terminal to ask on",
      allowed: "a terminal, or --yes",
      run: `${command} --yes`,
    });
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(`${question} [yes/no] `)).trim() === "yes";
  } finally {
    terminal.close();
  }
}

export interface Work {
  readonly plan: PlanName;
  /** For `pulumi up`. */
  readonly args: readonly string[];
  readonly topology: Topology;
  /** What the stack had before. */
  readonly urns: readonly string[];
  /** What a preview has found. */
  readonly changes: Changes;
}

/** Runs it, and returns the exit code. What the engine reports is printed as it comes, except on a terminal, which shows the plan. */
export async function carryOut(stack: Stack, work: Work, options: RunOptions): Promise<ExitCode> {
  const { plan, args, topology, urns, changes } = work;
  const progress = new RunProgress(urns, changes);
  const warnings: string[] = [];
  const engine = new EngineProgress((line) => {
    if (isWarning(line)) warnings.push(line);
  });
  const timeline = new Timeline();
  const live = new Live();
  const draw = (): void => {
    const parts = together(topology, topologyOf(progress.refs(), ""));
    // Add-ons that only this run knows have names with the cluster's: those of the preview are enough.
    const tree = planOf(plan, { ...parts, addons: topology.addons }, progress.resources());
    const waiting = process.stdout.isTTY ? engine.waiting() : "";
    live.draw([renderPlan(tree), ...(waiting ? [waiting] : [])].join("\n"));
  };
  const timer = setInterval(draw, 1000);
  try {
    const { code, errors } = await stack.runEvents(["up", "--yes", "--skip-preview", ...args], (event) => {
      progress.event(event);
      engine.event(event);
      timeline.event(event, Date.now());
    });
    draw();
    print(`\n${timelineText(timeline.data())}`);
    if (warnings.length > 0) say(`\n${warnings.join("\n")}`);
    await leaveTimeline(stack, timeline, plan, options);
    if (code === 0) return exitCodes.ok;
    say(
      `\n${engine.failure(errors)}\n\nThe run ended there, and what came before it is done. The next one goes on from there. Run: pulumi up${stack.flags}`,
    );
    return exitCodes.failed;
  } finally {
    clearInterval(timer);
  }
}

async function leaveTimeline(
  stack: Stack,
  timeline: Timeline,
  plan: PlanName,
  { timeline: folder }: RunOptions,
): Promise<void> {
  if (folder === false) return;
  const data = timeline.data();
  if (data.spans.length === 0) return;
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  const name = await stack.name();
  const file = join(folder, `${name}-${plan}-${at.replace(/[:-]/g, "")}`);
  writeFileSync(`${file}.txt`, `${timelineText(data)}\n`);
  writeFileSync(`${file}.svg`, timelineSvg(data, `${plan} of stack ${name}, ended ${at}`));
  say(`timeline: ${file}.svg and .txt`);
}

/** URNs of everything in a state. */
export const urnsOf = (state: { readonly resources: readonly { readonly urn: string }[] }): readonly string[] =>
  state.resources.map(({ urn }) => refOf(urn).urn);
