/**
 * Instance types: current x86 ones of the Nitro system, whose disks are EBS volumes.
 *
 * Sizes: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html, prices: https://aws.amazon.com/ec2/pricing/on-demand/
 * (Linux, us-east-1; 730 hours a month). Other regions cost up to half more; what is cheaper than what stays the same.
 */
import type { MachineSize } from "../cloud/sizes.js";

const hoursPerMonth = 730;

/** Families that every region has; the cheapest of the others may be missing where a cluster is made. */
const everywhere: readonly string[] = ["t3", "m5", "m6i", "c6i", "r6i"];

/** Family, GB of memory for each CPU, dollars an hour for each CPU, and its sizes by CPUs. */
type Family = readonly [name: string, memory: number, hourly: number, cpus: readonly number[]];

/** Families whose sizes cost and hold in proportion to their CPUs. */
const families: readonly Family[] = [
  // General purpose.
  ["m5", 4, 0.048, [2, 4, 8, 16, 32, 48, 64, 96]],
  ["m5a", 4, 0.043, [2, 4, 8, 16, 32, 48, 64, 96]],
  ["m6i", 4, 0.048, [2, 4, 8, 16, 32, 48, 64, 96, 128]],
  ["m6a", 4, 0.0432, [2, 4, 8, 16, 32, 48, 64, 96, 128, 192]],
  ["m7i", 4, 0.0504, [2, 4, 8, 16, 32, 48, 64, 96, 192]],
  ["m7i-flex", 4, 0.04788, [2, 4, 8, 16, 32, 48, 64]],
  ["m7a", 4, 0.05796, [1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192]],
  // Compute optimized.
  ["c6i", 2, 0.0425, [2, 4, 8, 16, 32, 48, 64, 96, 128]],
  ["c6a", 2, 0.03825, [2, 4, 8, 16, 32, 48, 64, 96, 128, 192]],
  ["c7i", 2, 0.044625, [2, 4, 8, 16, 32, 48, 64, 96, 192]],
  ["c7i-flex", 2, 0.0423938, [2, 4, 8, 16, 32, 48, 64]],
  ["c7a", 2, 0.05132, [1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192]],
  // Memory optimized.
  ["r6i", 8, 0.063, [2, 4, 8, 16, 32, 48, 64, 96, 128]],
  ["r6a", 8, 0.0567, [2, 4, 8, 16, 32, 48, 64, 96, 128, 192]],
  ["r7i", 8, 0.06615, [2, 4, 8, 16, 32, 48, 64, 96, 192]],
  ["r7a", 8, 0.07607, [1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192]],
];

/** Last part of the name by CPUs. */
function suffix(cpus: number): string {
  const small: Readonly<Record<number, string>> = { 1: "medium", 2: "large", 4: "xlarge" };
  return small[cpus] ?? `${cpus / 4}xlarge`;
}

/** Name, CPUs, GB of memory, dollars an hour: burstable ones, whose CPUs are shared. */
const burstable: readonly (readonly [name: string, cpus: number, memory: number, hourly: number])[] = [
  ["t3.micro", 2, 1, 0.0104],
  ["t3.small", 2, 2, 0.0208],
  ["t3.medium", 2, 4, 0.0416],
  ["t3.large", 2, 8, 0.0832],
  ["t3.xlarge", 4, 16, 0.1664],
  ["t3.2xlarge", 8, 32, 0.3328],
  ["t3a.micro", 2, 1, 0.0094],
  ["t3a.small", 2, 2, 0.0188],
  ["t3a.medium", 2, 4, 0.0376],
  ["t3a.large", 2, 8, 0.0752],
  ["t3a.xlarge", 4, 16, 0.1504],
  ["t3a.2xlarge", 8, 32, 0.3008],
];

/** Their disk is chosen with the machine. */
const size = (name: string, cpus: number, memory: number, hourly: number): MachineSize => ({
  name,
  cpus,
  memory: memory * 1024,
  disk: 0,
  monthly: Math.round(hourly * hoursPerMonth * 100) / 100,
  ...(everywhere.includes(name.split(".")[0]!) ? {} : { rare: true }),
});

export const awsSizes: readonly MachineSize[] = [
  ...burstable.map((row) => size(...row)),
  ...families.flatMap(([name, memory, hourly, sizes]) =>
    sizes.map((cpus) => size(`${name}.${suffix(cpus)}`, cpus, cpus * memory, cpus * hourly)),
  ),
];
