/** Every setting of a stack, each in one place; the groups and their order are those of the reference. Clouds add their own options. */
import type { z } from "zod";
import type { CloudName, CloudOptions } from "../clouds.js";
import { accessOptions } from "./access.js";
import { addonOptions } from "./addons.js";
import { cloudOptions, clusterOptions } from "./cluster.js";
import { downloadOptions } from "./downloads.js";
import { limitOptions } from "./limits.js";
import { machineOptions } from "./machines.js";
import { networkOptions } from "./networks.js";
import type { Option } from "./option.js";
import { resourceOptions } from "./resources.js";

/** @param clouds Names of the clouds; the first is the default. */
function commonGroups(clouds: readonly [CloudName, ...CloudName[]]) {
  return {
    "The cluster": clusterOptions(clouds),
    Machines: machineOptions,
    Resources: resourceOptions,
    Networks: networkOptions,
    "The cloud": cloudOptions(clouds),
    "Add-ons": addonOptions,
    "Access and security": accessOptions,
    Downloads: downloadOptions,
    "Time limits": limitOptions,
  };
}

type Groups = ReturnType<typeof commonGroups>;
type Intersection<T> = (T extends unknown ? (value: T) => void : never) extends (value: infer I) => void ? I : never;
type CommonOptions = Intersection<Groups[keyof Groups]>;

/** Settings that are each valid by themselves; nested defaults are filled in. Of a cloud that has options, the setting is there on every cloud. */
export type Settings = {
  readonly [Name in keyof CommonOptions]: z.output<CommonOptions[Name]["schema"]>;
} & Readonly<CloudOptions>;

export type OptionName = keyof Settings;

export type OptionGroups = Readonly<Record<string, Readonly<Record<string, Option>>>>;

/** All options by group. @param clouds The clouds, with the option that each of them may have of its own. */
export function optionGroups(clouds: readonly { readonly name: CloudName; readonly option?: Option }[]): OptionGroups {
  const [first, ...others] = clouds.map(({ name }) => name);
  if (first === undefined) throw new Error("clouds: got none, expected at least one");
  const common = commonGroups([first, ...others]);
  const own = Object.fromEntries(clouds.flatMap(({ name, option }) => (option ? [[name, option]] : [])));
  return { ...common, "The cloud": { ...common["The cloud"], ...own } };
}

/** All options by name. */
export function optionsOf(groups: OptionGroups): Readonly<Record<string, Option>> {
  return Object.assign({}, ...Object.values(groups)) as Record<string, Option>;
}

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

/** The part of the cluster's description that settings are as they are; what each means is in its option. */
export type PassedSettings = {
  readonly [
    Name in keyof CommonOptions as CommonOptions[Name]["passed"] extends true ? CamelCase<Name & string> : never
  ]: Readonly<z.output<CommonOptions[Name]["schema"]>>;
};

export function passedSettings(settings: Settings, groups: OptionGroups): PassedSettings {
  const names = Object.entries(optionsOf(groups)).flatMap(([name, { passed }]) => (passed ? [name as OptionName] : []));
  const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(names.map((name) => [camelCase(name), settings[name]])) as unknown as PassedSettings;
}
