/** Configurations of a stack and what becomes of them. */

/** Settings without namespace; texts, or what becomes JSON. */
export type Settings = Readonly<Record<string, unknown>>;

/** What a stack must say. */
export const least: Settings = { region: "fra1", admin_cidrs: ["192.0.2.1/32"] };

/** What a stack on AWS must say beside. */
export const aws: Settings = { cloud: "aws", region: "eu-central-1", "aws:region": "eu-central-1" };

/** Full name of a setting: ours have no namespace in tests, those of providers have. */
export const fullKey = (name: string): string => (/^[a-z-]+:/.test(name) ? name : `corekube:${name}`);

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
  return Object.fromEntries(
    Object.entries({ ...least, ...settings }).map(([name, value]) => [
      fullKey(name),
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}
