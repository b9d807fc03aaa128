/** Types of resources that several rules look at, of all clouds. */
import type { CloudDefinition } from "../components/cloud/definition.js";
import type { MachineType } from "../components/cloud/policy.js";

export type Clouds = readonly Pick<CloudDefinition, "policy">[];

/** Types that are machines, or templates of machines. */
export function machineTypes(clouds: Clouds): Readonly<Record<string, MachineType>> {
  return Object.assign({}, ...clouds.map(({ policy }) => policy.machines)) as Record<string, MachineType>;
}
