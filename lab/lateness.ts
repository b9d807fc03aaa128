/** What a machine waits for after each of its boots. The region looks when it starts a machine. */
import { z } from "zod";
import { modeFile } from "./modeFile.js";

const seconds = z.int().min(0).max(600).optional();

const schema = z.strictObject({
  /** Seconds until the metadata service answers the machine; until then there is no answer at all. */
  metadata: seconds,
  /** The same for the mirror's files and images. */
  mirror: seconds,
  /** Seconds until the machine sees its volumes. */
  volumes: seconds,
});

export type Lateness = z.infer<typeof schema>;

/** Nothing is late, where there is no file. */
export const { read: lateness, write: setLateness } = modeFile("lateness.json", schema);
