/** The client of the cloud that a region plays, for what commands, checks and faults need of it. */
import { AwsLabCloud } from "../clouds/aws/cloud.js";
import { DigitalOceanLabCloud } from "../commands/cloud.js";
import type { LabConfig } from "../config.js";
import { regionCloud } from "../kind.js";
import type { LabCloud } from "../labCloud.js";

export const labCloud = (config: LabConfig): LabCloud =>
  regionCloud(config) === "aws" ? new AwsLabCloud(config) : new DigitalOceanLabCloud(config);
