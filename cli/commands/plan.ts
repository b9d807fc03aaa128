/** `corekube plan`: what a run would do, and where one stands. */
import { existsSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { readEvent, type EngineEvent } from "../../engine/events.js";
import { EngineProgress } from "../../engine/progress.js";
import { activityOf } from "../activity.js";
import { Live } from "../live.js";
import { isWarning, print, printJson, say } from "../output.js";
import { changesOf, type Changes, RunProgress, previewed } from "../plans/fromEvents.js";
import { progressOf } from "../plans/fromState.js";
import { kindsOf, withDurations } from "../plans/durations.js";
import { type Plan, type PlanName, planNames } from "../plans/names.js";
import { planOf } from "../plans/plan.js";
import { renderPlan } from "../plans/render.js";
import { machinesOf, plannedTopology, refOf, together, type Topology, topologyOf } from "../plans/topology.js";
import { badUsage, exitCodes, Problem, type ExitCode } from "../problem.js";
import { planSettings } from "../settings.js";
import { engineProblem, Stack, type StackOptions } from "../stack.js";
import type { StackState } from "../state.js";

export interface PlanOptions extends StackOptions {
  readonly json?: boolean;
  /** Every step has its line. */
  readonly all?: boolean;
}

export interface ShowOptions extends PlanOptions {
  readonly machine?: string;
}

export interface StatusOptions extends PlanOptions {
  readonly watch?: boolean;
  /** A file with the events of the run: the output of `pulumi up --json`. */
  readonly events?: string;
}

/** Seconds between two looks at the state. */
const pause = 3;

const strategies: Readonly<Record<PlanName, string>> = {
  deploy: "make the cluster, or what is missing of it",
  recovery: "make what has gone outside of the program",
  replace: "replace one machine",
  update: "bring changed settings to the machines, behind gates",
  uninstall: "remove everything",
};

export async function list({ json }: PlanOptions): Promise<ExitCode> {
  if (json === true) printJson(planNames);
  else print(planNames.map((name) => `${name.padEnd(10)} ${strategies[name]}`).join("\n"));
  return exitCodes.ok;
}

/** @throws Problem for another name. */
function planNamed(name: string, command: string): PlanName {
  const found = planNames.find((each) => each === name);
  if (found === undefined)
    throw badUsage({
      path: `corekube plan ${command}`,
      got: `plan "${name}"`,
      allowed: planNames.join(", "),
      run: "corekube plan list",
    });
  return found;
}

/** The cluster as it is and as the settings say; without readable settings, as it is. */
async function topology(stack: Stack, urns: readonly string[]): Promise<Topology> {
  try {
    const settings = planSettings(await stack.config());
    return together(plannedTopology(settings), topologyOf(urns.map(refOf), settings.cluster));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(`settings not read, so only what is there is shown: ${error.message}`);
    return topologyOf(urns.map(refOf), "kubernetes");
  }
}

/** @param name For a machine, its name. @throws Problem when the stack has no such machine. */
export function checkMachine(state: StackState, name: string): void {
  const machines = machinesOf(state.resources.map(({ urn }) => refOf(urn)));
  if (!machines.some((machine) => machine.name === name))
    throw badUsage({
      path: "machine",
      got: `"${name}"`,
      allowed: machines.map((machine) => machine.name).join(", ") || "none: the stack has no machines",
      run: "corekube status",
    });
}

/** What `pulumi` is called with to carry the plan out, but for the words that only previews or only runs have. */
export const engineArguments = (plan: PlanName, machine?: string): readonly string[] =>
  plan === "recovery" ? ["--refresh"] : plan === "replace" ? ["--replace", `**::${machine ?? ""}`] : [];

interface Preview {
  readonly plan: Plan;
  readonly changes: Changes;
  readonly topology: Topology;
}

interface PreviewOptions {
  /** For the plan `replace`. */
  readonly machine?: string;
  /** More arguments for the engine. */
  readonly args?: readonly string[];
}

/** Previews a plan. @throws Problem with the engine's errors. */
export async function takePreview(
  stack: Stack,
  name: PlanName,
  state: StackState,
  { machine, args = [] }: PreviewOptions = {},
): Promise<Preview> {
  const events: EngineEvent[] = [];
  const warnings: string[] = [];
  const engine = new EngineProgress((line) => {
    if (isWarning(line)) warnings.push(line);
  });
  const command =
    name === "uninstall" ? ["destroy", "--preview-only"] : ["preview", ...engineArguments(name, machine), ...args];
  if (process.stderr.isTTY) say("previewing ...");
  const { code, errors } = await stack.runEvents(command, (event) => {
    events.push(event);
    engine.event(event);
  });
  if (code !== 0) throw engineProblem(`pulumi ${command[0]}`, engine.failure(errors));
  // What is away meanwhile, and what clients lose: it must be read before anybody says yes.
  if (warnings.length > 0) say(`${warnings.join("\n")}\n`);
  const changes = changesOf(events);
  const urns = state.resources.map(({ urn }) => urn);
  const parts = await topology(stack, [...urns, ...changes.keys()]);
  const plan = withDurations(planOf(name, parts, previewed(urns, changes), true), kindsOf(events));
  return { plan, changes, topology: parts };
}

export async function show(plan: string, options: ShowOptions): Promise<ExitCode> {
  const name = planNamed(plan, "show");
  const stack = new Stack(options);
  if (name === "replace" && options.machine === undefined)
    throw badUsage({
      path: "--machine",
      got: "nothing",
      allowed: "the name of a machine",
      run: "corekube plan show replace --machine <name>   (corekube status lists them)",
    });
  const state = await stack.state();
  if (name === "replace") checkMachine(state, options.machine!);
  present((await takePreview(stack, name, state, options)).plan, options);
  return exitCodes.ok;
}

function present(plan: Plan, { json, all }: PlanOptions): void {
  if (json === true) printJson(plan);
  else print(renderPlan(plan, all));
}

export async function status(name: string, options: StatusOptions): Promise<ExitCode> {
  const plan = planNamed(name, "status");
  const stack = new Stack(options);
  if (options.events !== undefined && !existsSync(options.events))
    throw badUsage({
      path: "--events",
      got: options.events,
      allowed: "a file with the output of pulumi up --json",
      run: `corekube plan status ${plan}`,
    });
  const live = new Live();
  for (;;) {
    const now = await look(stack, plan, options.events);
    if (options.watch === true && options.json !== true) live.draw(renderPlan(now.plan, options.all));
    if (options.watch !== true || !now.active) {
      if (options.watch !== true || options.json === true) present(now.plan, options);
      say(now.active ? `${now.text}; follow it with: corekube plan status ${plan} --watch${stack.flags}` : now.text);
      return now.plan.state === "ERROR" ? exitCodes.failed : exitCodes.ok;
    }
    await setTimeout(pause * 1000);
  }
}

async function look(
  stack: Stack,
  name: PlanName,
  events: string | undefined,
): Promise<{ plan: Plan; active: boolean; text: string }> {
  const state = await stack.state();
  const { active, since, text } = await activityOf(stack, state);
  const urns = state.resources.map(({ urn }) => urn);
  const begun = state.pending.map(({ resource }) => resource.urn);
  const resources =
    events === undefined ? progressOf(name, state, { active, since }) : fromLog(urns, readFileSync(events, "utf8"));
  const parts = await topology(stack, [...urns, ...begun]);
  return { plan: planOf(name, parts, resources), active, text };
}

function fromLog(urns: readonly string[], text: string): ReturnType<RunProgress["resources"]> {
  const run = new RunProgress(urns);
  for (const line of text.split("\n")) {
    const event = readEvent(line);
    if (event) run.event(event);
  }
  return run.resources();
}
