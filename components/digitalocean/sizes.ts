/** Droplet sizes: https://docs.digitalocean.com/products/droplets/details/pricing/ */
import type { MachineSize } from "../cloud/sizes.js";

/** Slug, vCPUs, memory in GB, disk in GB, dollars a month. */
type Row = readonly [name: string, cpus: number, memory: number, disk: number, monthly: number];

const rows: readonly Row[] = [
  // Basic.
  ["s-1vcpu-1gb", 1, 1, 25, 6],
  ["s-1vcpu-2gb", 1, 2, 50, 12],
  ["s-2vcpu-2gb", 2, 2, 60, 18],
  ["s-2vcpu-4gb", 2, 4, 80, 24],
  ["s-4vcpu-8gb", 4, 8, 160, 48],
  ["s-8vcpu-16gb", 8, 16, 320, 96],
  ["s-1vcpu-1gb-amd", 1, 1, 25, 7],
  ["s-1vcpu-2gb-amd", 1, 2, 50, 14],
  ["s-2vcpu-2gb-amd", 2, 2, 60, 21],
  ["s-2vcpu-4gb-amd", 2, 4, 80, 28],
  ["s-4vcpu-8gb-amd", 4, 8, 160, 56],
  ["s-8vcpu-16gb-amd", 8, 16, 320, 112],
  ["s-1vcpu-1gb-intel", 1, 1, 25, 7],
  ["s-1vcpu-2gb-intel", 1, 2, 50, 14],
  ["s-2vcpu-2gb-intel", 2, 2, 60, 21],
  ["s-2vcpu-4gb-intel", 2, 4, 80, 28],
  ["s-4vcpu-8gb-intel", 4, 8, 160, 56],
  ["s-8vcpu-16gb-intel", 8, 16, 320, 112],
  // CPU-optimized.
  ["c-2", 2, 4, 25, 42],
  ["c-4", 4, 8, 50, 84],
  ["c-8", 8, 16, 100, 168],
  ["c-16", 16, 32, 200, 336],
  ["c-32", 32, 64, 400, 672],
  ["c2-2vcpu-4gb", 2, 4, 50, 47],
  ["c2-4vcpu-8gb", 4, 8, 100, 94],
  ["c2-8vcpu-16gb", 8, 16, 200, 188],
  ["c2-16vcpu-32gb", 16, 32, 400, 376],
  // General purpose.
  ["g-2vcpu-8gb", 2, 8, 25, 63],
  ["g-4vcpu-16gb", 4, 16, 50, 126],
  ["g-8vcpu-32gb", 8, 32, 100, 252],
  ["g-16vcpu-64gb", 16, 64, 200, 504],
  ["g-32vcpu-128gb", 32, 128, 400, 1008],
  ["gd-2vcpu-8gb", 2, 8, 50, 68],
  ["gd-4vcpu-16gb", 4, 16, 100, 136],
  ["gd-8vcpu-32gb", 8, 32, 200, 272],
  // Memory-optimized.
  ["m-2vcpu-16gb", 2, 16, 50, 84],
  ["m-4vcpu-32gb", 4, 32, 100, 168],
  ["m-8vcpu-64gb", 8, 64, 200, 336],
  ["m-16vcpu-128gb", 16, 128, 400, 672],
  // Storage-optimized.
  ["so-2vcpu-16gb", 2, 16, 300, 131],
  ["so-4vcpu-32gb", 4, 32, 600, 262],
];

export const dropletSizes: readonly MachineSize[] = rows.map(([name, cpus, memory, disk, monthly]) => ({
  name,
  cpus,
  memory: memory * 1024,
  disk,
  monthly,
}));
