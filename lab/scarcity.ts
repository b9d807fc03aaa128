/** What the region's cloud has run out of. Clouds look before each answer, so that it may change in the middle of a run. */
import { z } from "zod";
import { modeFile } from "./modeFile.js";

/** Size, or instance type, to the regions or zones that do not have it. */
const places = z.record(z.string(), z.array(z.string()).readonly()).readonly().optional();

const schema = z.strictObject({
  /** Not on offer: the cloud says so when it is asked. */
  withdrawn: places,
  /** On offer, and sold out for now. AWS only. */
  soldOut: places,
  /** Droplets that the account may have. DigitalOcean only. */
  droplets: z.int().min(0).optional(),
  /** Virtual CPUs that the account's instances may have. AWS only. */
  vcpus: z.int().min(0).optional(),
});

export type Scarcity = z.infer<typeof schema>;

/** Nothing is scarce, where there is no file. */
export const { read: scarcity, write: setScarcity, path: scarcityFile } = modeFile("scarcity.json", schema);
