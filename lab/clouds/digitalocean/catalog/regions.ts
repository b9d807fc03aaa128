/** Regions by the names and slugs of the public list. All of them are served by the same lab region. */
import { sizes } from "./sizes.js";

export interface RegionView {
  readonly name: string;
  readonly slug: string;
  readonly features: readonly string[];
  readonly available: boolean;
  readonly sizes: readonly string[];
}

const names: Readonly<Record<string, string>> = {
  nyc1: "New York 1",
  nyc2: "New York 2",
  nyc3: "New York 3",
  sfo2: "San Francisco 2",
  sfo3: "San Francisco 3",
  ams3: "Amsterdam 3",
  fra1: "Frankfurt 1",
  lon1: "London 1",
  sgp1: "Singapore 1",
  tor1: "Toronto 1",
  blr1: "Bangalore 1",
  syd1: "Sydney 1",
};

export const regionSlugs: readonly string[] = Object.keys(names);

const features = ["backups", "ipv6", "metadata", "install_agent", "storage", "image_transfer"];

export const regions: readonly RegionView[] = Object.entries(names).map(([slug, name]) => ({
  name,
  slug,
  features,
  available: true,
  sizes: sizes.map((size) => size.slug),
}));

const bySlug = new Map(regions.map((region) => [region.slug, region]));

export const findRegion = (slug: string): RegionView | undefined => bySlug.get(slug);

/** A region that a stored record names. @throws Error when the file names one that does not exist. */
export function regionView(slug: string): RegionView {
  const region = bySlug.get(slug);
  if (!region) throw new Error(`region "${slug}" is not in the catalogue`);
  return region;
}
