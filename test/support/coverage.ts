/** Coverage by folder, from c8's summary. */
import { readFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { table } from "../../engine/table.js";
import { projectDirectory } from "../../lab/config.js";

interface Measure {
  readonly total: number;
  readonly covered: number;
}

type FileCoverage = Readonly<Record<"lines" | "functions" | "branches", Measure>>;

const kinds = ["lines", "functions", "branches"] as const;

function percent(measures: readonly Measure[]): string {
  const total = measures.reduce((sum, measure) => sum + measure.total, 0);
  const covered = measures.reduce((sum, measure) => sum + measure.covered, 0);
  return total === 0 ? "-" : `${((100 * covered) / total).toFixed(1)} %`;
}

/** Prints one line for each folder below `roots`, and one for each root. */
export function printCoverage(summaryFile: string, roots: readonly string[], say: (text: string) => void): void {
  const files = Object.entries(JSON.parse(readFileSync(summaryFile, "utf8")) as Record<string, FileCoverage>)
    .filter(([path]) => path !== "total")
    .map(([path, coverage]) => ({ folder: dirname(relative(projectDirectory, path)), coverage }));
  const row = (name: string, belongs: (folder: string) => boolean): string[] => {
    const chosen = files.filter(({ folder }) => belongs(folder));
    return [name, String(chosen.length), ...kinds.map((kind) => percent(chosen.map(({ coverage }) => coverage[kind])))];
  };
  const folders = [...new Set(files.map(({ folder }) => folder))].sort();
  say("\ncoverage");
  say(
    table([
      ["folder", "files", ...kinds],
      ...folders.map((name) => row(name, (folder) => folder === name)),
      ...roots.map((root) => row(`all of ${root}`, (folder) => folder === root || folder.startsWith(`${root}/`))),
    ]),
  );
}
