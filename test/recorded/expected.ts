/** What this checkout does to stacks of a release beside changes in place, by release: each with the reason that its users read in CHANGELOG.md. */
import type { Expected } from "./support/changes.js";

export const expectations: Readonly<Record<string, readonly Expected[]>> = { "0.2.0": [] };
