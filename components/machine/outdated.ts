/** Which machines run with another configuration than a new one would get, and in what they differ. Pure. */
import type { Configuration } from "../contract/configurations.js";
import { resourceTypes } from "../contract/resources.js";
import type { Recorded } from "../rollout/program/servingMachines.js";
import type { Role } from "../spec/cluster.js";

/** The state, by URN. */
type State = Readonly<Record<string, Recorded>>;

export interface OutdatedMachines {
  /** In the order of their index. */
  readonly machines: readonly string[];
  /** What is different, in one line. */
  readonly differences: string;
  /** Replaces them. */
  readonly command: string;
}

/** Machines of a role that this run has. */
export interface RoleMachines {
  readonly role: Role;
  readonly machines: readonly string[];
  /** What a new one would get. */
  readonly configuration: Configuration;
}

/** More are named in a message as a number. */
const most = { names: 5, parts: 6 };

const nameOf = (urn: string): string => urn.slice(urn.lastIndexOf("::") + 2);

/** Machine to the digest of what it was made with, for machines that have been reached. */
export function recordedDigests(state: State): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(state).flatMap(([urn, { type, outputs }]): [string, string][] =>
      (type === resourceTypes.delivery || type === resourceTypes.join) && outputs["hostKey"] !== undefined
        ? [[nameOf(urn), String(outputs["configuration"] ?? "")]]
        : [],
    ),
  );
}

/** Configurations that earlier runs have kept, by digest. */
export function recordedConfigurations(state: State): Readonly<Record<string, Configuration>> {
  const kept = Object.values(state).find(({ type }) => type === resourceTypes.configurations);
  return (kept?.outputs["configurations"] ?? {}) as Readonly<Record<string, Configuration>>;
}

/** @param isMachine Whether a resource type is a cloud's machine. */
export function outdatedMachines(
  state: State,
  roles: readonly RoleMachines[],
  isMachine: (type: string) => boolean,
): readonly OutdatedMachines[] {
  const digests = recordedDigests(state);
  const known = recordedConfigurations(state);
  return roles.flatMap(({ machines, configuration }) => {
    const reached = machines.filter((machine) => digests.has(machine));
    const old = [...new Set(reached.map((machine) => digests.get(machine)!))].filter(
      (digest) => digest !== configuration.digest,
    );
    return old.map((digest): OutdatedMachines => {
      const group = reached.filter((machine) => digests.get(machine) === digest);
      return {
        machines: group,
        differences: differences(known[digest], configuration),
        command: replaceCommand(state, group, reached, isMachine),
      };
    });
  });
}

function differences(before: Configuration | undefined, after: Configuration): string {
  if (before === undefined) return "it was made by another version of the program";
  const keys = (of: "settings" | "parts"): string[] =>
    [...new Set([...Object.keys(before[of]), ...Object.keys(after[of])])].filter(
      (key) => before[of][key] !== after[of][key],
    );
  const settings = keys("settings").map((key) => {
    const [from = "", to = ""] = [before.settings[key], after.settings[key]];
    return /^sha256:/.test(from + to) || from === "" || to === "" ? key : `${key} ${from} -> ${to}`;
  });
  const parts = shortened(keys("parts"), most.parts);
  // Without a changed setting, the program itself has changed.
  return settings.length > 0 ? `${settings.join("; ")} (in ${parts})` : `this version of the program changes ${parts}`;
}

/** Names with commas; of many, the first ones and how many there are. */
export function shortened(names: readonly string[], limit = most.names): string {
  const rest = names.length - limit;
  return rest <= 1 ? names.join(", ") : `${names.slice(0, limit).join(", ")} and ${rest} more`;
}

/** The engine replaces them in the order of a rollout; a pattern stands for a whole pool, so that the command stays short. */
function replaceCommand(
  state: State,
  group: readonly string[],
  pool: readonly string[],
  isMachine: (type: string) => boolean,
): string {
  const type = (name: string): string =>
    Object.entries(state).find(([urn, recorded]) => isMachine(recorded.type) && nameOf(urn) === name)?.[1].type ?? "";
  const target = (name: string, pattern = name): string => `--replace '**${type(name)}::${pattern}'`;
  const first = group[0]!;
  const targets =
    group.length > 1 && group.length === pool.length
      ? [target(first, first.replace(/[0-9]+$/, "*"))]
      : group.slice(0, most.names).map((name) => target(name));
  return `pulumi up ${targets.join(" ")}`;
}
