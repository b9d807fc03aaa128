/** The figures of a run as Markdown. */
import type { Timing } from "../lab/commands/phases.js";

/** Maximum bytes of user-data: AWS's limit, the smallest of the clouds. */
export const userDataLimit = 16_384;

/** Maximum number of engine resources per worker. */
export const workerResourceLimit = 2;

export interface Figures {
  readonly cold: boolean;
  readonly machine: string;
  readonly date: string;
  /** Memory in use before the run, MB. */
  readonly idleMemory: number;
  /** Bytes by pool. */
  readonly userData: Readonly<Record<string, number>>;
  readonly worker: { readonly all: number; readonly custom: number; readonly previewSeconds: number };
  /** Phases of the first `make up`, and of the second. */
  readonly first: readonly Timing[];
  readonly second: readonly Timing[];
}

const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

export function figures(measured: Figures): string {
  const total = (phases: readonly Timing[]): string => phases.reduce((sum, phase) => sum + phase.seconds, 0).toFixed(1);
  const again = new Map(measured.second.map((phase) => [phase.phase, phase]));
  const share = (bytes: number): string => `${((100 * bytes) / userDataLimit).toFixed(0)} %`;
  return [
    `${measured.date}; ${measured.machine}; ${measured.idleMemory} MB in use before. Command: \`make bench\`${measured.cold ? " with `--cold`" : ""}.`,
    "",
    row("user-data of", "bytes", `of the limit (${userDataLimit})`),
    row("---", "---:", "---:"),
    ...Object.entries(measured.userData).map(([pool, bytes]) => row(pool, String(bytes), share(bytes))),
    "",
    row("one more worker", "figure", "limit"),
    row("---", "---:", "---:"),
    row("engine resources without components", String(measured.worker.custom), String(workerResourceLimit)),
    row("engine resources in all", String(measured.worker.all), "-"),
    row("preview, seconds", measured.worker.previewSeconds.toFixed(1), "-"),
    "",
    row("phase of `make up`", "from nothing (s)", "highest memory (MB above idle)", "again (s)"),
    row("---", "---:", "---:", "---:"),
    ...measured.first.map((phase) =>
      row(
        phase.phase,
        phase.seconds.toFixed(1),
        String(phase.memory),
        (again.get(phase.phase)?.seconds ?? 0).toFixed(1),
      ),
    ),
    row("sum (tools and base run in parallel)", total(measured.first), "", total(measured.second)),
  ].join("\n");
}
