/** Entry of the command `corekube`. */
import { CommanderError } from "commander";
import { say } from "./output.js";
import { exitCodes, Problem } from "./problem.js";
import { createProgram, usageProblem } from "./program.js";

// `corekube ... | head` is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(exitCodes.ok);
});

async function main(args: readonly string[]): Promise<void> {
  const program = createProgram((code) => {
    process.exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    const problem = error instanceof CommanderError ? usageProblem(error, program, args) : error;
    if (problem === undefined) return;
    if (problem instanceof Problem) say(problem.message);
    else say(`corekube: ${problem instanceof Error ? problem.message : String(problem)}`);
    process.exitCode = problem instanceof Problem ? problem.code : exitCodes.failed;
  }
}

void main(process.argv.slice(2));
