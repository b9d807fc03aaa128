/**
 * Which machine may be touched next. Pure: names in, names out; knows no engine, no cloud and no client.
 *
 * Replacement uses it today; in-place changes of versions and flags go through the same order.
 */

/** Machines that stand in for each other. */
export interface OrderedPool {
  readonly name: string;
  /** In the order in which they are touched. */
  readonly machines: readonly string[];
  /** Of them, so many may be under way at once, at least 1. */
  readonly atOnce: number;
}

/** Pools of one stage go side by side; a stage begins when all earlier ones are done. */
export type Stages = readonly (readonly OrderedPool[])[];

/**
 * What is known of a machine in this run: `absent` serves nothing yet, so that making it takes nothing away; `waiting` serves, or
 * did; `touched` is under way, or has failed; `done` serves as it should.
 */
export type Standing = "absent" | "waiting" | "touched" | "done";

/**
 * Machines that may be touched now.
 *
 * Absent ones at once and all together, so that a new cluster is made in parallel and members that need each other start side by
 * side. Any other only when all stages before are done, its pool's absent ones are done too, and less than `atOnce` of its pool
 * are under way. A machine that fails is never done, and so keeps its place.
 */
export function next(stages: Stages, standing: (machine: string) => Standing): readonly string[] {
  const free: string[] = [];
  let reached = true;
  for (const stage of stages) {
    for (const pool of stage) {
      const by = (which: Standing): string[] => pool.machines.filter((machine) => standing(machine) === which);
      const absent = by("absent");
      free.push(...absent);
      if (!reached || absent.length > 0) continue;
      const room = pool.atOnce - by("touched").length;
      free.push(...by("waiting").slice(0, Math.max(0, room)));
    }
    reached &&= stage.every((pool) => pool.machines.every((machine) => standing(machine) === "done"));
  }
  return free;
}
