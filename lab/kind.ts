/** Name of the cloud that a region is one of. It follows from the region's stack and stays until the region is removed. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "./config.js";

const file = (config: Pick<LabConfig, "directory">): string => join(config.directory, "cloud");

/** @default "digitalocean" */
export const regionCloud = (config: Pick<LabConfig, "directory">): string =>
  existsSync(file(config)) ? readFileSync(file(config), "utf8").trim() : "digitalocean";

/** @throws Error when the region is one of another cloud already. */
export function setRegionCloud(config: Pick<LabConfig, "directory" | "name">, cloud: string): void {
  if (existsSync(file(config)) && regionCloud(config) !== cloud) {
    throw new Error(
      `corekube:cloud: got "${cloud}", but region "${config.name}" is one of ${regionCloud(config)}; run "make down" first, or use another region (COREKUBE_LAB)`,
    );
  }
  mkdirSync(config.directory, { recursive: true, mode: 0o700 });
  writeFileSync(file(config), `${cloud}\n`);
}
