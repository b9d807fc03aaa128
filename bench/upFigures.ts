/** The figures of runs without a change as Markdown, and their target. */
import type { Aim } from "./document.js";
import type { Measured } from "./measure.js";

/** Maximum factor of the time of a preview. */
const factorAim = 1.5;

/** Workers that give no answer in the second refresh. */
export const silentWorkers = 10;
/**
 * SSH connections at the same time in a refresh. Its seconds have no target: this machine is the SSH server of all workers too, which takes
 * most of them.
 */
const togetherAim = 100;

export interface Refreshed {
  readonly seconds: number;
  /** Highest number of workers that were asked at the same time, each with an SSH connection. */
  readonly together: number;
}

export interface Refreshes {
  readonly refresh: Refreshed;
  readonly withSilent: Refreshed;
}

/** For one number of workers. */
export interface Runs extends Refreshes {
  readonly preview: Measured;
  /** Of another flag of every kubelet. */
  readonly changed: Measured;
  readonly up: Measured;
}

export interface UpFigures {
  readonly machine: string;
  readonly date: string;
  readonly runs: number;
  /** By number of workers, ascending. */
  readonly measured: readonly Runs[];
}

export function upAims({ measured }: UpFigures): Aim[] {
  return measured.flatMap(({ preview, changed, up, refresh, withSilent }) => {
    const workers = `${up.workers.toLocaleString("en")} workers`;
    const factor = (name: string, { seconds }: Measured): Aim => ({
      name: `${name}, times the preview, ${workers}`,
      got: (seconds / preview.seconds).toFixed(2),
      aim: `at most ${factorAim}`,
      met: seconds / preview.seconds <= factorAim,
    });
    const under = (name: string, value: number, limit: number): Aim => ({
      name: `${name}, ${workers}`,
      got: value.toFixed(0),
      aim: `at most ${limit}`,
      met: value <= limit,
    });
    return [
      factor("`up`", up),
      factor("preview of another flag", changed),
      under("SSH connections at once in a refresh", Math.max(refresh.together, withSilent.together), togetherAim),
    ];
  });
}

const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

export function upFigures(figures: UpFigures): string {
  const { measured } = figures;
  const seconds = (value: Measured): string => value.seconds.toFixed(1);
  return [
    `${figures.date}; ${figures.machine}. Median of ${figures.runs}. Command: \`make bench-up\`.`,
    "",
    row("workers (3 controllers, 3 etcd members)", ...measured.map(({ up }) => up.workers.toLocaleString("en"))),
    row("---", ...measured.map(() => "---:")),
    row("resources", ...measured.map(({ up }) => String(up.resources))),
    row("`pulumi preview`, seconds", ...measured.map(({ preview }) => seconds(preview))),
    row(
      "`pulumi preview` of another flag of every kubelet, seconds",
      ...measured.map(({ changed }) => seconds(changed)),
    ),
    row("`pulumi up --skip-preview`, seconds", ...measured.map(({ up }) => seconds(up))),
    row("highest memory of all processes in `up` (MB)", ...measured.map(({ up }) => up.memory.toFixed(0))),
    row("`pulumi refresh`, seconds", ...measured.map(({ refresh }) => refresh.seconds.toFixed(1))),
    row(
      `the same, ${silentWorkers} workers without an answer`,
      ...measured.map(({ withSilent }) => withSilent.seconds.toFixed(1)),
    ),
    row(
      "workers asked at once in a refresh",
      ...measured.map(({ refresh, withSilent }) => String(Math.max(refresh.together, withSilent.together))),
    ),
    "",
    row("figure", "measured", "target", "met"),
    row("---", "---:", "---:", "---"),
    ...upAims(figures).map(({ name, got, aim, met }) => row(name, got, aim, met ? "yes" : "no")),
  ].join("\n");
}
