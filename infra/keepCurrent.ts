/**
 * Keeps the stack's outputs current while a run goes on: who must help a cluster whose run has failed needs the address and the
 * kubeconfig of the machine that is there now.
 *
 * The engine takes a stack's outputs several times and keeps the last; those of a failed run replace earlier ones of the same name
 * (`executeRegisterResourceOutputs` in pkg/resource/deploy/step_executor.go of its source). The SDK sends them once, at the end.
 */
import { setTimeout } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
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
  const before = readRecorded().then(outputsOf, (): ReturnType<typeof outputsOf> => ({}));
  const rowsBefore = before.then(rowsOf);
  let left = Object.keys(outputs).length + rows.size;
  let next: Promise<void> | undefined;
  const send = async (): Promise<void> => {
    await setTimeout(PAUSE_MILLISECONDS, undefined, { ref: false });
    // Everything is known: the SDK registers it.
    if (left === 0) return;
    const old = await rowsBefore;
    next = undefined;
    const machines = [...rows.keys()].flatMap((name) => current.get(name) ?? old.get(name) ?? []);
    pulumi.runtime.registerResourceOutputs(stack, { ...known, machines });
  };
  // What is as recorded is not sent: each time costs the engine as much as all machines together.
  const compare = async (value: unknown, recorded: Promise<unknown>): Promise<void> => {
    left -= 1;
    if (!isDeepStrictEqual(value, await recorded)) next ??= send();
  };
  for (const [name, output] of Object.entries(outputs)) {
    output.apply((value) => {
      known[name] = output;
      return void compare(
        value,
        before.then((recorded) => recorded[name]),
      );
    });
  }
  for (const [name, row] of rows) {
    row.apply((value) => {
      current.set(name, value);
      return void compare(
        value,
        rowsBefore.then((recorded) => recorded.get(name)),
      );
    });
  }
}

type Recorded = Awaited<ReturnType<typeof readRecorded>>;

function outputsOf(recorded: Recorded): Readonly<Record<string, unknown>> {
  return Object.values(recorded).find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
}

function rowsOf({ machines }: Readonly<Record<string, unknown>>): ReadonlyMap<string, Row> {
  return new Map(Array.isArray(machines) ? (machines as Row[]).map((row) => [row.name, row]) : []);
}
