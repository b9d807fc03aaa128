/** `corekube replace <machine>`: what `pulumi up --replace` does, shown before. */
import { print, say } from "../output.js";
import { renderPlan } from "../plans/render.js";
import { exitCodes, type ExitCode } from "../problem.js";
import { carryOut, confirmed, type RunOptions, urnsOf } from "../run.js";
import { Stack } from "../stack.js";
import { checkMachine, engineArguments, takePreview } from "./plan.js";

export async function replace(machine: string, options: RunOptions): Promise<ExitCode> {
  const stack = new Stack(options);
  const state = await stack.state();
  checkMachine(state, machine);
  const { plan, changes, topology } = await takePreview(stack, "replace", state, { machine });
  print(renderPlan(plan));
  if (!(await confirmed(`Replace ${machine}, as shown?`, options, `corekube replace ${machine}${stack.flags}`))) {
    say("nothing was changed");
    return exitCodes.failed;
  }
  const args = engineArguments("replace", machine);
  return carryOut(stack, { plan: "replace", args, topology, urns: urnsOf(state), changes }, options);
}
