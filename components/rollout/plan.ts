/** What the program tells the provider about a run, and asks it: its machines, where those that serve are reached, and which do not serve. */
import { z } from "zod";
import { configuration } from "../contract/configurations.js";

/** The provider's function that takes the plan. */
export const planFunction = "corekube:rollout:plan";

/** The provider's function that says which machines do not serve, and why: `{ broken: { <machine>: <reason> } }`. */
export const brokenFunction = "corekube:rollout:findBroken";

/** A machine of this run. */
const plannedMachine = z.object({
  machine: z.string().min(1),
  pool: z.string().min(1),
  /** Machines of its pool that may change at the same time. */
  atOnce: z.number().int().min(1),
  /** Where it answers SSH; none while it does not serve. */
  host: z.string().optional(),
  /** In the private network. */
  address: z.string().optional(),
  /** Its SSH host key. */
  hostKey: z.string().optional(),
});

export const planShape = z.object({
  machines: z.array(plannedMachine),
  /** Through which all of them are reached in this run; the one of an earlier run may be gone. @default directly */
  bastion: z.string().optional(),
  /** Seconds that a drain may take in this run; that of an earlier run may be what did not work. */
  drainTimeout: z.number().optional(),
  /** What machines of this run are to run: the resources of machines have the digests only. */
  configurations: z.array(configuration).default([]),
  /** A member of etcd has served in an earlier run: none may start without data as if the cluster were new. */
  etcdHasServed: z.boolean().default(false),
});
export type PlannedMachine = z.infer<typeof plannedMachine>;

/** A machine that serves. */
export type MachineLocation = Pick<PlannedMachine, "host" | "address" | "hostKey">;

/** What `brokenFunction` takes. */
export const brokenQuestion = z.object({
  machines: z.array(z.string()),
  /** Login of the control plane's machines. */
  user: z.string(),
  privateKey: z.string(),
});
