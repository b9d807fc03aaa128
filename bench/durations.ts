/** The table of `corekube plan show`'s figures in docs/benchmarks.md: `npx tsx bench/durations.ts` writes it. */
import { type Figure, figures, type Kind, restSeconds } from "../cli/plans/durations.js";
import { writeBlock } from "./document.js";

const meanings: Readonly<Record<Kind, string>> = {
  made: "made: all of a role together, after the role before",
  renewed: "gets certificates, keys or other files",
  changed: "gets another configuration or patch, in place",
  upgraded: "gets another minor version, in place, workers drained",
  replaced: "replaced, workers drained",
  removed: "removed, drained",
};

const cell = (figure: Figure | undefined): string =>
  figure === undefined ? "-" : `${figure.median} (${figure.p95}, ${figure.of})`;

export function durationsTable(): string {
  return [
    "| a machine is | etcd member | controller | worker |",
    "|---|---|---|---|",
    ...Object.entries(figures).map(
      ([kind, { etcd, controller, worker }]) =>
        `| ${meanings[kind as Kind]} | ${cell(etcd)} | ${cell(controller)} | ${cell(worker)} |`,
    ),
    "",
    `The rest of a run (preview, the API's readiness, add-ons): ${restSeconds} s.`,
  ].join("\n");
}

if (require.main === module) writeBlock("durations", durationsTable());
