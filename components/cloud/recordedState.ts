/** What earlier runs have made, by the stack's own state, for preflights: what must be made or replaced in this run. */
import { type Recorded, readRecorded } from "../rollout/program/servingMachines.js";
import type { ClusterSpec, Role } from "../spec/cluster.js";
import { machineNames } from "../spec/names.js";
import { pools } from "../spec/pools.js";

export type Outputs = Recorded["outputs"];

export class RecordedState {
  constructor(private readonly resources: Readonly<Record<string, Recorded>>) {}

  /** Resources of a type, by name. */
  of(type: string): ReadonlyMap<string, Outputs> {
    return new Map(
      Object.entries(this.resources).flatMap(([urn, resource]): (readonly [string, Outputs])[] =>
        resource.type === type ? [[urn.slice(urn.lastIndexOf("::") + 2), resource.outputs]] : [],
      ),
    );
  }

  /** Resources of a type that have a text under the key, by name. */
  texts(type: string, key: string): ReadonlyMap<string, string> {
    return new Map(
      [...this.of(type)].flatMap(([name, outputs]): (readonly [string, string])[] => {
        const value = outputs[key];
        return typeof value === "string" && value !== "" ? [[name, value]] : [];
      }),
    );
  }
}

export async function recordedState(): Promise<RecordedState> {
  return new RecordedState(await readRecorded());
}

export interface WantedMachine {
  readonly name: string;
  readonly role: Role;
  readonly index: number;
  readonly size: string;
  /** Failure domains that its pool names. */
  readonly zones: readonly string[];
}

/** All machines of the cluster. */
export const wantedMachines = (spec: ClusterSpec): readonly WantedMachine[] =>
  pools(spec).flatMap(({ role, pool, count, size, zones }) =>
    machineNames(spec.name, { pool, count }).map((name, index) => ({ name, role, index, size, zones })),
  );
