/** The configuration of a machine that a run has reached. */
import { applyConfiguration, readConfiguration } from "../../../provider/machine/configuration.js";
import type { Machine, Wait } from "../../../provider/ssh/machine.js";
import { rolloutPlan } from "./rolloutPlan.js";

/**
 * Makes the machine run the configuration with this digest.
 * @returns whether it ran another one until now.
 */
export async function configure(machine: Machine, wait: Wait, digest: string | undefined): Promise<boolean> {
  if (digest === undefined || (await readConfiguration(machine)) === digest) return false;
  await applyConfiguration(machine, wait, rolloutPlan.configuration(digest));
  return true;
}
