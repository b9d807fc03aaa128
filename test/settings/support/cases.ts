/** Configurations of a stack and what becomes of them. */
import type { Settings } from "./program.js";

/** What a stack must say. */
export const least: Settings = { region: "fra1", admin_cidrs: ["192.0.2.1/32"] };

export interface Refusal {
  /** What is set beside `least`. */
  readonly settings: Settings;
  /** The settings that the error names, all of them. */
  readonly paths: readonly string[];
  /** The remedy, or a part of it. */
  readonly remedy: string;
  /** The engine refuses it by the types in Pulumi.yaml, before the program runs; only units see our own words. */
  readonly byEngine?: true;
}

/** As the engine hands settings to the program: texts, and JSON of the rest. */
export function configuration(settings: Settings): Record<string, string> {
  return Object.fromEntries(Object.entries({ ...least, ...settings }).map(([name, value]) => [`corekube:${name}`, typeof value === "string" ? value : JSON.stringify(value)]));
}
