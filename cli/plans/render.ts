/** A plan as a tree of text. Pure. */
import { about, durationsNote } from "./durations.js";
import type { Phase, Plan, Step } from "./names.js";

/** Longer runs of steps in the same state are shortened. */
const shownInARow = 8;
/** Of such a run, so many are shown. */
const shownFirst = 3;

/** After a blank, where it is known. */
const timeText = (seconds: number | undefined, before = " "): string =>
  seconds === undefined ? "" : `${before}${about(seconds)}`;

const stepLine = ({ name, part, state, detail, seconds }: Step): string =>
  `${name}:[${part}] (${state})${detail === undefined ? "" : ` ${detail}`}${timeText(seconds, detail === undefined ? " " : ", ")}`;

/** Steps as lines; with hundreds of workers, most say the same. */
function stepLines(steps: readonly Step[], all: boolean): readonly string[] {
  const lines: string[] = [];
  let from = 0;
  while (from < steps.length) {
    let to = from + 1;
    while (to < steps.length && steps[to]!.state === steps[from]!.state && steps[to]!.detail === steps[from]!.detail)
      to += 1;
    const run = steps.slice(from, to);
    const shown = all || run.length <= shownInARow ? run.length : shownFirst;
    lines.push(...run.slice(0, shown).map(stepLine));
    if (shown < run.length) lines.push(`... ${run.length - shown} more (${run[0]!.state})`);
    from = to;
  }
  return lines;
}

function phaseLines(
  { name, strategy, atOnce, state, seconds, steps }: Phase,
  last: boolean,
  all: boolean,
): readonly string[] {
  const lines = stepLines(steps, all);
  return [
    `${last ? "└─" : "├─"} ${name} (${strategy} strategy${atOnce === undefined ? "" : `, ${atOnce} at a time`}) (${state})${timeText(seconds)}`,
    ...lines.map((line, index) => `${last ? "   " : "│  "}${index === lines.length - 1 ? "└─" : "├─"} ${line}`),
  ];
}

/** @param all Every step has its line. @default long runs of equal steps are shortened */
export function renderPlan({ name, strategy, state, seconds, phases }: Plan, all = false): string {
  return [
    `${name} (${strategy} strategy) (${state})${timeText(seconds)}`,
    ...phases.flatMap((phase, index) => phaseLines(phase, index === phases.length - 1, all)),
    ...(seconds === undefined ? [] : [durationsNote]),
  ].join("\n");
}
