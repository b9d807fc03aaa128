/** Settings: time limits. */
import { passed } from "./option.js";
import { whole } from "./valueTypes.js";

export const limitOptions = {
  drain_timeout: passed(
    whole(0, 7200, "seconds"),
    300,
    "Seconds that draining a worker may take before its removal fails. 0: its pods go with the machine.",
    "nothing",
  ),
  boot_timeout: passed(
    whole(60, 7200, "seconds"),
    600,
    "Seconds that a machine may take from its creation until it is ready.",
    "nothing",
  ),
};
