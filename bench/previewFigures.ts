/** The figures of previews as Markdown, and their targets. */
import type { Aim } from "./document.js";
import { workerResourceLimit } from "./figures.js";
import type { Measured } from "./measure.js";

/** Targets by number of workers: seconds, and MB of all processes if there is a target. */
const targets: readonly { readonly workers: number; readonly seconds: number; readonly memory?: number }[] = [
  { workers: 10, seconds: 5 },
  { workers: 1000, seconds: 18, memory: 1200 },
  { workers: 5000, seconds: 100 },
];
/** Maximum factor of the time for ten times the workers. */
const growthAim = 8;

export interface PreviewFigures {
  readonly machine: string;
  readonly date: string;
  readonly runs: number;
  /** By number of workers, ascending. */
  readonly previews: readonly Measured[];
}

export function previewAims({ previews }: PreviewFigures): Aim[] {
  const aims: Aim[] = [];
  const under = (name: string, got: string, value: number, limit: number): void =>
    void aims.push({ name, got, aim: `under ${limit.toLocaleString("en")}`, met: value < limit });
  for (const { workers, seconds, memory } of targets) {
    const preview = previews.find((found) => found.workers === workers);
    if (preview === undefined) continue;
    const size = `for ${workers.toLocaleString("en")} workers`;
    under(`seconds ${size}`, preview.seconds.toFixed(1), preview.seconds, seconds);
    if (memory !== undefined) under(`MB ${size}`, preview.memory.toFixed(0), preview.memory, memory);
  }
  for (const [index, preview] of previews.entries()) {
    const before = previews[index - 1];
    if (before === undefined) continue;
    const growth = preview.seconds / before.seconds;
    const each = (preview.resources - before.resources) / (preview.workers - before.workers);
    aims.push({
      name: `times the seconds, ${before.workers} to ${preview.workers}`,
      got: growth.toFixed(1),
      aim: `at most ${growthAim}`,
      met: growth <= growthAim,
    });
    aims.push({
      name: `resources per worker, ${before.workers} to ${preview.workers}`,
      got: String(each),
      aim: `at most ${workerResourceLimit}`,
      met: each <= workerResourceLimit,
    });
  }
  return aims;
}

const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

export function previewFigures(figures: PreviewFigures): string {
  const { previews } = figures;
  const sum = (values: Readonly<Record<string, number>>): number =>
    Object.values(values).reduce((all, value) => all + value, 0);
  const kinds = [...new Set(previews.flatMap(({ processor }) => Object.keys(processor)))].filter((kind) =>
    previews.some(({ processor }) => (processor[kind] ?? 0) >= 0.05),
  );
  return [
    `${figures.date}; ${figures.machine}. Median of ${figures.runs}. Command: \`make bench-preview\`.`,
    "",
    row("workers (3 controllers, 3 etcd members)", ...previews.map(({ workers }) => workers.toLocaleString("en"))),
    row("---", ...previews.map(() => "---:")),
    row("seconds", ...previews.map(({ seconds }) => seconds.toFixed(1))),
    row("highest memory of all processes (MB)", ...previews.map(({ memory }) => memory.toFixed(0))),
    row("resources", ...previews.map(({ resources }) => String(resources))),
    row("processor seconds, all", ...previews.map(({ processor }) => sum(processor).toFixed(1))),
    ...kinds.map((kind) =>
      row(
        `- ${kind}: processor seconds (MB)`,
        ...previews.map(
          ({ processor, memoryBy }) => `${(processor[kind] ?? 0).toFixed(1)} (${(memoryBy[kind] ?? 0).toFixed(0)})`,
        ),
      ),
    ),
    "",
    row("figure", "measured", "target", "met"),
    row("---", "---:", "---:", "---"),
    ...previewAims(figures).map(({ name, got, aim, met }) => row(name, got, aim, met ? "yes" : "no")),
  ].join("\n");
}
