/**
 * A run as a list of phases: shown as a tree on a terminal and as plain lines elsewhere, timed, and stopped between
 * phases when the user interrupts.
 */
import { Listr, PRESET_TIMER, type ListrTask } from "listr2";
import type { Progress } from "../progress.js";
import { Interrupted, watchInterrupts } from "../process/interrupts.js";
import { watchMemory } from "./memory.js";

export interface Phase {
  /** Short name; key of its timing. */
  readonly name: string;
  /** What it does, for the reader of the progress. */
  readonly title: string;
  run(progress: Progress): Promise<void>;
}

/** Phases that run beside each other. */
export interface Together {
  readonly together: readonly Phase[];
}

export interface Timing {
  readonly phase: string;
  readonly seconds: number;
  /** Highest memory in use on the machine during the phase, MB above what was in use when the run began. */
  readonly memory: number;
}

/** Longest silence, in milliseconds, before the last line is repeated with the time since then. */
const silence = 8_000;

/**
 * Runs the phases in order and returns what each took.
 * @throws Interrupted when the user interrupts; otherwise what the failing phase threw, with the phase in its message.
 */
export async function runPhases(phases: readonly (Phase | Together)[], baseMemory: number): Promise<Timing[]> {
  const timings: Timing[] = [];
  const start = Date.now();
  const execute = async (phase: Phase, show: (line: string) => void): Promise<void> => {
    const { signal } = watchInterrupts();
    if (signal.aborted) throw new Interrupted(`before "${phase.title}"`);
    const began = Date.now();
    const memory = watchMemory();
    let last = { line: "", time: began };
    const report = (line: string): void => {
      last = { line, time: Date.now() };
      show(line);
    };
    const heartbeat = setInterval(() => {
      if (Date.now() - last.time < silence) return;
      const since = Math.round((Date.now() - began) / 1000);
      show(`${last.line || "still running"} (${since} s in this phase)`);
      last = { ...last, time: Date.now() };
    }, 1000);
    try {
      await phase.run({ report, signal });
    } catch (error) {
      if (signal.aborted) throw new Interrupted(`during "${phase.title}"`);
      throw error;
    } finally {
      clearInterval(heartbeat);
      const peak = memory.stop();
      timings.push({ phase: phase.name, seconds: (Date.now() - began) / 1000, memory: Math.max(0, peak - baseMemory) });
    }
    if (signal.aborted) throw new Interrupted(`after "${phase.title}"`);
  };
  if (process.stdout.isTTY && !process.env["CI"]) await runTree(phases, execute);
  else await runPlain(phases, execute, start);
  return timings;
}

type Execute = (phase: Phase, show: (line: string) => void) => Promise<void>;

async function runTree(phases: readonly (Phase | Together)[], execute: Execute): Promise<void> {
  const leaf = (phase: Phase): ListrTask => ({
    title: phase.title,
    task: (_context, task) =>
      execute(phase, (line) => {
        task.output = line;
      }),
  });
  const tasks = phases.map((item): ListrTask =>
    "together" in item
      ? {
          title: item.together.map((phase) => phase.title).join(", "),
          task: (_context, task) => task.newListr(item.together.map(leaf), { concurrent: true }),
        }
      : leaf(item),
  );
  await new Listr(tasks, {
    // Interrupts are ours; the renderer's handler would end the process.
    registerSignalListeners: false,
    rendererOptions: { collapseSubtasks: false, timer: PRESET_TIMER },
  }).run();
}

async function runPlain(phases: readonly (Phase | Together)[], execute: Execute, start: number): Promise<void> {
  const print = (phase: Phase, line: string): void => {
    const seconds = ((Date.now() - start) / 1000).toFixed(0).padStart(4);
    process.stdout.write(`[${seconds} s] ${phase.name}: ${line}\n`);
  };
  const one = async (phase: Phase): Promise<void> => {
    const began = Date.now();
    print(phase, phase.title);
    await execute(phase, (line) => print(phase, line));
    print(phase, `done in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  };
  for (const item of phases) {
    if (!("together" in item)) {
      await one(item);
      continue;
    }
    // All must come to rest before the run ends, or a build would go on behind the back of the next run.
    const ended = await Promise.allSettled(item.together.map(one));
    const failed = ended.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
  }
}
