/** Replaces generated blocks between marks in documents. */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, release, totalmem } from "node:os";
import { join } from "node:path";
import { run } from "../lab/process/run.js";
import { projectDirectory } from "../lab/config.js";

/** @throws Error when the document has no such block. */
export function writeBlock(name: string, block: string, document = "benchmarks.md"): void {
  const file = join(projectDirectory, "docs", document);
  writeFileSync(file, withBlock(readFileSync(file, "utf8"), name, block, file));
}

/** The text with the block replaced. @param file For the error. */
export function withBlock(text: string, name: string, block: string, file: string): string {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`${file}: the marks "${begin}" and "${end}" are missing; add them where the figures belong`);
  return `${text.slice(0, from + begin.length)}\n${block}\n${text.slice(to)}`;
}

export interface Aim {
  readonly name: string;
  readonly got: string;
  readonly aim: string;
  readonly met: boolean;
}

/**
 * Prints a benchmark's block, and writes it where everything was measured.
 * @throws Error naming the targets that were missed.
 */
export function conclude(name: string, block: string, aims: readonly Aim[], complete: boolean): void {
  process.stdout.write(`${block}\n`);
  if (complete) writeBlock(name, block);
  const missed = aims.filter(({ met }) => !met).map(({ name: figure, got, aim }) => `${figure}: ${got}, aim ${aim}`);
  if (missed.length > 0) throw new Error(`missed: ${missed.join("; ")}`);
}

/** Description of this machine. */
export async function machineDescription(): Promise<string> {
  const go = (await run(["go", "env", "GOVERSION"])).trim();
  return `${availableParallelism()} cores, ${Math.round(totalmem() / 1024 ** 3)} GiB, Linux ${release()}, Node ${process.versions.node}, ${go}`;
}
