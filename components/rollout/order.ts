/**
 * Which machine may change next. Pure: names in, names out; knows no engine, cloud or client.
 *
 * Replacements and changes in place follow the same order.
 */

/** Machines that can take over for each other. */
export interface OrderedPool {
  readonly name: string;
  /** In the order in which they change. */
  readonly machines: readonly string[];
  /** So many of them may change at the same time, at least 1. */
  readonly atOnce: number;
}

/** Pools of one stage change in parallel; a stage begins when all earlier ones are ready. */
export type Stages = readonly (readonly OrderedPool[])[];

/**
 * State of a machine in this run: `new` does not serve yet, so that creating it takes nothing away; `pending` serves and waits;
 * `changing` has been registered, or has failed; `ready` serves as it should.
 */
export type MachineState = "new" | "pending" | "changing" | "ready";

/**
 * Machines that may change now.
 *
 * New ones at once and all together, so that a new cluster is created in parallel and members that need each other start together.
 * Any other only when all stages before are ready, its pool's new ones are ready too, and less than `atOnce` of its pool are changing.
 * Those that do not serve come first, all of them: changing them takes nothing away, they may need each other to serve again (all
 * certificates have expired, all members are down), and the others can go only once they are back. A machine that fails never becomes
 * ready, and so keeps its slot.
 * @param broken Machines that have served and do not now.
 */
export function next(
  stages: Stages,
  stateOf: (machine: string) => MachineState,
  broken: ReadonlySet<string> = new Set(),
): readonly string[] {
  const free: string[] = [];
  let reached = true;
  for (const stage of stages) {
    for (const pool of stage) {
      const inState = (state: MachineState): string[] => pool.machines.filter((machine) => stateOf(machine) === state);
      const created = inState("new");
      free.push(...created);
      if (!reached) continue;
      const pending = inState("pending");
      const first = pending.filter((name) => broken.has(name));
      free.push(...first);
      if (created.length > 0) continue;
      const room = pool.atOnce - inState("changing").length - first.length;
      free.push(...pending.filter((name) => !broken.has(name)).slice(0, Math.max(0, room)));
    }
    reached &&= stage.every((pool) => pool.machines.every((machine) => stateOf(machine) === "ready"));
  }
  return free;
}

/**
 * Machines whose turn has come: who of them does not serve is found out, for their order, and so that the run names it even where it
 * changes nothing.
 */
export function askable(stages: Stages, stateOf: (machine: string) => MachineState): readonly string[] {
  const found: string[] = [];
  for (const stage of stages) {
    const machines = stage.flatMap((pool) => pool.machines);
    found.push(...machines.filter((machine) => stateOf(machine) === "pending"));
    if (!machines.every((machine) => stateOf(machine) === "ready")) break;
  }
  return found;
}
