/** The clouds that a region can be one of. */
import type { LabConfig } from "../config.js";
import { regionCloud } from "../kind.js";
import { aws } from "./aws/index.js";
import type { LabCloud } from "./cloud.js";
import { digitalocean } from "./digitalocean/index.js";

export const labClouds: readonly LabCloud[] = [digitalocean, aws];

/** The cloud of a region. @throws Error when the region's file names one that the lab does not have. */
export function cloudOf(config: Pick<LabConfig, "directory">): LabCloud {
  const name = regionCloud(config);
  const cloud = labClouds.find((one) => one.name === name);
  if (!cloud)
    throw new Error(`the region in ${config.directory} is of the cloud "${name}", which this lab does not have`);
  return cloud;
}
