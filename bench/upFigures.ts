/** The figures of runs without a change as Markdown, and their target. */
import type { Aim } from "./document.js";
import type { Measured } from "./measure.js";

/** Maximum factor of the time of a preview. */
const factorAim = 1.5;

export interface UpFigures {
  readonly machine: string;
  readonly date: string;
  readonly runs: number;
  /** By number of workers, ascending. */
  readonly measured: readonly { readonly preview: Measured; readonly up: Measured }[];
}

export function upAims({ measured }: UpFigures): Aim[] {
  return measured.map(({ preview, up }) => {
    const factor = up.seconds / preview.seconds;
    return {
      name: `times its preview, ${up.workers.toLocaleString("en")} workers`,
      got: factor.toFixed(2),
      aim: `at most ${factorAim}`,
      met: factor <= factorAim,
    };
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
    row("`pulumi up --skip-preview`, seconds", ...measured.map(({ up }) => seconds(up))),
    row("highest memory of all processes in `up` (MB)", ...measured.map(({ up }) => up.memory.toFixed(0))),
    "",
    row("figure", "measured", "target", "met"),
    row("---", "---:", "---:", "---"),
    ...upAims(figures).map(({ name, got, aim, met }) => row(name, got, aim, met ? "yes" : "no")),
  ].join("\n");
}
