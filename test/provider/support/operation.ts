import { Incomplete, type Operation, type ResourceKind } from "../../../provider/operation/resourceKind.js";
import type { Properties } from "../../../provider/rpc/properties.js";
import type { Settings } from "../../../provider/operation/settings.js";

/** An operation whose messages are kept. */
export interface RecordedOperation extends Operation {
  readonly statuses: string[];
  readonly warnings: string[];
  interrupt(): void;
}

export function operation(settings: Settings = {}): RecordedOperation {
  const controller = new AbortController();
  const statuses: string[] = [];
  const warnings: string[] = [];
  return {
    settings,
    statuses,
    warnings,
    signal: controller.signal,
    interrupt: () => controller.abort(new Error("The run was interrupted.")),
    log: {
      status: (text) => statuses.push(text),
      info: (text) => statuses.push(text),
      warn: (text) => warnings.push(text),
    },
  };
}

/** Inputs as the engine would pass them on: checked, with defaults. */
export function checked(kind: ResourceKind, given: Properties): Properties {
  const { inputs, failures } = kind.check(given);
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  return inputs;
}

/** The failure that keeps what was reached. */
export async function incomplete(work: Promise<unknown>): Promise<Incomplete> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Incomplete) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** Looks again until it holds: long, since a busy machine is no fault. */
export async function eventually(holds: () => boolean | Promise<boolean>, milliseconds = 60_000): Promise<void> {
  for (
    const end = Date.now() + milliseconds;
    !(await holds());
    await new Promise((resolve) => setTimeout(resolve, 50))
  ) {
    if (Date.now() > end) throw new Error("it did not come to hold");
  }
}
