/** Which cloud a region plays. It follows from the stack that is made in it, and stays until the region goes. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "./config.js";

export const regionClouds = ["digitalocean", "aws"] as const;
export type RegionCloud = (typeof regionClouds)[number];

const file = (config: Pick<LabConfig, "directory">): string => join(config.directory, "cloud");

/** The cloud of a region; DigitalOcean where nothing is written. */
export function regionCloud(config: Pick<LabConfig, "directory">): RegionCloud {
  const text = existsSync(file(config)) ? readFileSync(file(config), "utf8").trim() : "";
  return regionClouds.find((cloud) => cloud === text) ?? "digitalocean";
}

/** @throws Error when the region plays another cloud already. */
export function setRegionCloud(config: Pick<LabConfig, "directory" | "name">, cloud: RegionCloud): void {
  if (existsSync(file(config)) && regionCloud(config) !== cloud) {
    throw new Error(
      `corekube:cloud: got "${cloud}", but region "${config.name}" plays ${regionCloud(config)}; run "make down" first, or use another region (COREKUBE_LAB)`,
    );
  }
  mkdirSync(config.directory, { recursive: true, mode: 0o700 });
  writeFileSync(file(config), `${cloud}\n`);
}
