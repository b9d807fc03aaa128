/** What the program tells the provider about a run: its machines, and where those that serve are reached. */
import { z } from "zod";

/** The provider's function that takes it. */
export const planFunction = "corekube:rollout:plan";

/** A machine of this run. Without `host`: it does not serve yet, or it is a worker. */
const plannedMachine = z.object({
  machine: z.string().min(1),
  pool: z.string().min(1),
  /** Machines of its pool that may change at the same time. */
  atOnce: z.number().int().min(1),
  /** Where it answers SSH. */
  host: z.string().optional(),
  /** In the private network. */
  address: z.string().optional(),
  /** Its SSH host key. */
  hostKey: z.string().optional(),
});

export const planShape = z.object({ machines: z.array(plannedMachine) });
export type PlannedMachine = z.infer<typeof plannedMachine>;

/** A machine that serves; a worker's location is not recorded. */
export type MachineLocation = Pick<PlannedMachine, "host" | "address" | "hostKey">;
