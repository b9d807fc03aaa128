/** What the stand-ins' plugins have in common. */
import type { Failure, Kind, Plugin, PluginFunction } from "../../../provider/rpc/kind.js";
import { isUnknown, type Properties, type Value } from "../../../provider/rpc/properties.js";
import { compare } from "./changes.js";
import { isGiven } from "./values.js";

interface StandIn<Settings> {
  readonly name: string;
  /** Of the SDK that the program uses it with. */
  readonly version: string;
  readonly kinds: Readonly<Record<string, Kind<Settings>>>;
  readonly functions?: Readonly<Record<string, PluginFunction<Settings>>>;
  /** The provider's own settings; others are refused. */
  readonly settings: readonly string[];
  readonly secretSettings?: readonly string[];
  /** Rules of the settings, which are parsed. Values may be unknown. */
  readonly problems?: (settings: Properties) => readonly Failure[];
  /** Whether another value of a setting means another account or cluster, so that all resources are replaced. */
  readonly replacesOn?: (setting: string, before: Properties, after: Properties) => boolean;
  /** @param settings Parsed. */
  readonly configure: (settings: Properties) => Settings | Promise<Settings>;
}

/** Added by the engine or the SDK. */
const engineSettings = ["version", "pluginDownloadURL"];

export function standIn<Settings>(described: StandIn<Settings>): Plugin<Settings> {
  const { name, version, kinds, functions = {}, replacesOn } = described;
  const known = [...described.settings, ...engineSettings];
  return {
    name,
    version,
    kinds: new Map(Object.entries(kinds)),
    functions: new Map(Object.entries(functions)),
    advice: " This is the lab's stand-in: install the official plugin for what it does not have.",
    secretSettings: new Set(described.secretSettings),
    checkSettings: (given) => ({
      inputs: given,
      failures: [
        ...Object.keys(given)
          .filter((key) => !key.startsWith("__") && isGiven(given[key]) && !known.includes(key))
          .map((property) => ({
            property,
            reason: `the lab's stand-in for the plugin "${name}" does not support the setting ${property}; remove it, or install the official plugin`,
          })),
        ...(described.problems?.(parsed(given)) ?? []),
      ],
    }),
    diffSettings: (before, after) =>
      compare(before, after, {
        replaces: (path) => !isUnknown(after[path]) && replacesOn?.(path, before, after) === true,
      }).filter(({ path }) => path !== "version"),
    configure: (given) => described.configure(parsed(given)),
  };
}

/** The engine passes settings that are not texts as JSON. */
function parsed(settings: Properties): Properties {
  return Object.fromEntries(Object.entries(settings).map(([key, value]): [string, Value] => [key, parse(value)]));
}

function parse(value: Value): Value {
  if (typeof value !== "string" || !/^(\[|true$|false$)/.test(value)) return value;
  try {
    return JSON.parse(value) as Value;
  } catch {
    return value;
  }
}
