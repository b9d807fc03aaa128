/** The API of a region's cloud, for commands, checks and faults. */
import type { CloudClient } from "../clouds/cloud.js";
import { cloudOf } from "../clouds/index.js";
import type { LabConfig } from "../config.js";

export const labCloud = (config: LabConfig): CloudClient => cloudOf(config).client(config);
