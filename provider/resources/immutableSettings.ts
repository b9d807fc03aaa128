/** `corekube:cluster:ImmutableSettings`: refuses a change of a setting that is decided once, before anything else is changed. */
import { type ImmutableSetting, setCommand, type SettingValue } from "../../components/contract/immutableSettings.js";
import { allImmutables } from "../../components/immutables/all.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import type { Failure, ResourceKind, State } from "../operation/resourceKind.js";
import { isUnknown, type Properties } from "../rpc/properties.js";

const immutableSettings = allImmutables();

const shape = Object.fromEntries(Object.entries(immutableSettings).map(([name, { schema }]) => [name, schema]));

/** The resource's id: a stack has one cluster. */
const id = "cluster";

export class ImmutableSettings implements ResourceKind {
  readonly secretInputs = new Set<string>();

  check(given: Properties, before?: Properties): { inputs: Properties; failures: readonly Failure[] } {
    const { inputs, failures } = checkInputs(shape, given);
    return { inputs, failures: failures.length > 0 || before === undefined ? failures : refusals(before, inputs) };
  }

  diff(state: State, inputs: Properties) {
    return { changes: changedInputs(state.inputs, inputs, new Set()), deleteBeforeReplace: false };
  }

  preview(): Properties {
    return {};
  }

  create() {
    return Promise.resolve({ id, outputs: {} });
  }

  update(): Promise<Properties> {
    return Promise.resolve({});
  }

  read(): Promise<Properties> {
    return Promise.resolve({});
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }
}

/** A value that is new in this version, or not known yet, is accepted. */
function refusals(before: Properties, after: Properties): Failure[] {
  return Object.entries(immutableSettings).flatMap(([property, setting]): Failure[] => {
    const had = before[property];
    const got = after[property];
    if (had === undefined || got === undefined || isUnknown(had) || isUnknown(got) || had === got) return [];
    if (setting.accepts?.(had as SettingValue, got as SettingValue)) return [];
    return [{ property, reason: refusal(setting, had as SettingValue, got as SettingValue) }];
  });
}

function refusal({ setting, reason, advice, unit }: ImmutableSetting, had: SettingValue, got: SettingValue): string {
  const shown = (value: SettingValue): string => JSON.stringify(unit === undefined ? value : Number(value) * unit);
  const remedy =
    advice?.(had) ??
    `Keep it: ${setCommand(setting, had)}. For another value, create a second cluster (pulumi stack init <name>), move your workloads there, and destroy this one.`;
  return `corekube:${setting}: got ${shown(got)}; this cluster was created with ${shown(had)}, and that cannot be changed in place: ${reason}. Nothing was created or changed. ${remedy}`;
}
