/** Droplet sizes: slugs, resources and prices of the public price list. An hour costs a 672nd of a month. */

export interface Size {
  readonly slug: string;
  /** MB */
  readonly memory: number;
  readonly vcpus: number;
  /** GB */
  readonly disk: number;
  /** TB a month */
  readonly transfer: number;
  readonly monthly: number;
  readonly description: string;
}

/** slug, memory in GB, vCPUs, disk in GB, transfer in TB, dollars a month */
type Row = readonly [slug: string, memory: number, vcpus: number, disk: number, transfer: number, monthly: number];

const table: Readonly<Record<string, readonly Row[]>> = {
  Basic: [
    ["s-1vcpu-512mb-10gb", 0.5, 1, 10, 0.5, 4],
    ["s-1vcpu-1gb", 1, 1, 25, 1, 6],
    ["s-1vcpu-2gb", 2, 1, 50, 2, 12],
    ["s-2vcpu-2gb", 2, 2, 60, 3, 18],
    ["s-2vcpu-4gb", 4, 2, 80, 4, 24],
    ["s-4vcpu-8gb", 8, 4, 160, 5, 48],
    ["s-8vcpu-16gb", 16, 8, 320, 6, 96],
  ],
  "Basic AMD": [
    ["s-1vcpu-1gb-amd", 1, 1, 25, 1, 7],
    ["s-1vcpu-2gb-amd", 2, 1, 50, 2, 14],
    ["s-2vcpu-2gb-amd", 2, 2, 60, 3, 21],
    ["s-2vcpu-4gb-amd", 4, 2, 80, 4, 28],
    ["s-4vcpu-8gb-amd", 8, 4, 160, 5, 56],
    ["s-8vcpu-16gb-amd", 16, 8, 320, 6, 112],
  ],
  "Basic Intel": [
    ["s-1vcpu-1gb-intel", 1, 1, 25, 1, 7],
    ["s-1vcpu-2gb-intel", 2, 1, 50, 2, 14],
    ["s-2vcpu-2gb-intel", 2, 2, 60, 3, 21],
    ["s-2vcpu-4gb-intel", 4, 2, 80, 4, 28],
    ["s-4vcpu-8gb-intel", 8, 4, 160, 5, 56],
    ["s-8vcpu-16gb-intel", 16, 8, 320, 6, 112],
  ],
  "CPU-Optimized": [
    ["c-2", 4, 2, 25, 4, 42],
    ["c-4", 8, 4, 50, 5, 84],
    ["c-8", 16, 8, 100, 6, 168],
    ["c-16", 32, 16, 200, 7, 336],
    ["c-32", 64, 32, 400, 9, 672],
  ],
  "CPU-Optimized 2x SSD": [
    ["c2-2vcpu-4gb", 4, 2, 50, 4, 47],
    ["c2-4vcpu-8gb", 8, 4, 100, 5, 94],
    ["c2-8vcpu-16gb", 16, 8, 200, 6, 188],
    ["c2-16vcpu-32gb", 32, 16, 400, 7, 376],
  ],
  "General Purpose": [
    ["g-2vcpu-8gb", 8, 2, 25, 4, 63],
    ["g-4vcpu-16gb", 16, 4, 50, 5, 126],
    ["g-8vcpu-32gb", 32, 8, 100, 6, 252],
    ["g-16vcpu-64gb", 64, 16, 200, 7, 504],
    ["g-32vcpu-128gb", 128, 32, 400, 8, 1008],
  ],
  "General Purpose 2x SSD": [
    ["gd-2vcpu-8gb", 8, 2, 50, 4, 68],
    ["gd-4vcpu-16gb", 16, 4, 100, 5, 136],
    ["gd-8vcpu-32gb", 32, 8, 200, 6, 272],
  ],
  "Memory-Optimized": [
    ["m-2vcpu-16gb", 16, 2, 50, 4, 84],
    ["m-4vcpu-32gb", 32, 4, 100, 6, 168],
    ["m-8vcpu-64gb", 64, 8, 200, 7, 336],
    ["m-16vcpu-128gb", 128, 16, 400, 8, 672],
  ],
  "Storage-Optimized": [
    ["so-2vcpu-16gb", 16, 2, 300, 4, 131],
    ["so-4vcpu-32gb", 32, 4, 600, 6, 262],
  ],
};

export const sizes: readonly Size[] = Object.entries(table).flatMap(([description, rows]) =>
  rows.map(([slug, memory, vcpus, disk, transfer, monthly]) => ({
    slug,
    memory: memory * 1024,
    vcpus,
    disk,
    transfer,
    monthly,
    description,
  })),
);

const bySlug = new Map(sizes.map((size) => [size.slug, size]));

export const findSize = (slug: string): Size | undefined => bySlug.get(slug);

/** A size that a stored record names. @throws Error when the file names one that does not exist. */
export function knownSize(slug: string): Size {
  const size = bySlug.get(slug);
  if (!size) throw new Error(`size "${slug}" is not in the catalogue`);
  return size;
}

export const diskInfo = (disk: number) => [{ type: "local", size: { amount: disk, unit: "gib" } }];

/** A size as the API shows it. */
export function sizeView(size: Size, regions: readonly string[]) {
  return {
    slug: size.slug,
    memory: size.memory,
    vcpus: size.vcpus,
    disk: size.disk,
    transfer: size.transfer,
    price_monthly: size.monthly,
    price_hourly: Number((size.monthly / 672).toFixed(5)),
    regions,
    available: true,
    description: size.description,
    disk_info: diskInfo(size.disk),
  };
}
