/**
 * Keeps the stack's outputs current while a run goes on: who must help a cluster whose run has failed needs the address and the
 * kubeconfig of the machine that is there now.
 *
 * The engine takes a stack's outputs several times and keeps the last; those of a failed run replace earlier ones of the same name
 * (`executeRegisterResourceOutputs` in pkg/resource/deploy/step_executor.go of its source). The SDK sends them once, at the end.
 */
import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { readRecorded } from "../components/rollout/program/servingMachines.js";

/** Gathers what becomes known together; short, because what is not sent when a run fails is lost. */
const PAUSE_MILLISECONDS = 500;

interface Row {
  readonly name: string;
}

/**
 * @param outputs By name.
 * @param rows Of the output `machines`, by machine. A machine that is not known yet keeps the row of the run before.
 */
export function keepCurrent(
  outputs: Readonly<Record<string, pulumi.Output<unknown>>>,
  rows: ReadonlyMap<string, pulumi.Output<Row>>,
): void {
  const stack = pulumi.runtime.getStackResource();
  if (pulumi.runtime.isDryRun() || stack === undefined) return;
  const known: Record<string, pulumi.Output<unknown>> = {};
  const current = new Map<string, Row>();
  let before: ReturnType<typeof recordedRows> | undefined;
  let left = Object.keys(outputs).length + rows.size;
  let next: Promise<void> | undefined;
  const send = async (): Promise<void> => {
    await setTimeout(PAUSE_MILLISECONDS, undefined, { ref: false });
    // Everything is known: the SDK registers it.
    if (left === 0) return;
    const old = await (before ??= recordedRows().catch(() => new Map<string, Row>()));
    next = undefined;
    const machines = [...rows.keys()].flatMap((name) => current.get(name) ?? old.get(name) ?? []);
    pulumi.runtime.registerResourceOutputs(stack, { ...known, machines });
  };
  const changed = (): void => {
    left -= 1;
    next ??= send();
  };
  for (const [name, output] of Object.entries(outputs)) {
    output.apply(() => {
      known[name] = output;
      changed();
    });
  }
  for (const [name, row] of rows) {
    row.apply((value) => {
      current.set(name, value);
      changed();
    });
  }
}

async function recordedRows(): Promise<ReadonlyMap<string, Row>> {
  const stack = Object.values(await readRecorded()).find(({ type }) => type === "pulumi:pulumi:Stack");
  const rows = stack?.outputs["machines"];
  return new Map(Array.isArray(rows) ? (rows as Row[]).map((row) => [row.name, row]) : []);
}
