/** The machines that served before this run, from the engine's state. */
import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { resourceTypes } from "../../contract/resources.js";
import type { MachineLocation } from "../plan.js";

type Resources = Readonly<Record<string, Recorded>>;

/** By machine name. */
export type ServingMachines = ReadonlyMap<string, MachineLocation>;

/** What the state has of a resource. */
export interface Recorded {
  readonly type: string;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Type of the resource of a serving machine, to the output that it has only if the machine serves. */
const proofs: Readonly<Record<string, string>> = {
  [resourceTypes.delivery]: "digest",
  [resourceTypes.join]: "nodeName",
};

/**
 * A machine whose own resource is gone does not serve, whatever was delivered to it: a refresh has found it deleted.
 * @param resources URN to what the state has of it.
 */
function servingMachinesOf(resources: Resources): ServingMachines {
  const serving = new Map<string, MachineLocation>();
  const nameOf = (urn: string): string => urn.slice(urn.lastIndexOf("::") + 2);
  const machines = new Set(
    Object.entries(resources).flatMap(([urn, { type }]) => (type in proofs ? [] : [nameOf(urn)])),
  );
  for (const [urn, { type, outputs }] of Object.entries(resources)) {
    const proof = proofs[type];
    if (proof === undefined || outputs[proof] === undefined) continue;
    const text = (key: string): string | undefined => (typeof outputs[key] === "string" ? outputs[key] : undefined);
    const name = nameOf(urn);
    if (!machines.has(name)) continue;
    serving.set(name, { host: text("host"), address: text("address"), hostKey: text("hostKey") });
  }
  return serving;
}

/** Waits between attempts to read the state, in milliseconds. */
const retryAfter = [100, 200, 400, 800, 1600] as const;

/**
 * Reads this stack's state from the engine, as it was when the run began. URN to what is recorded.
 *
 * The engine writes the state while the program runs, and a backend of files does so in several steps: what is read in between
 * ends early ("failed to load checkpoint: EOF"). So it is read again; once it is read, later readers get the same.
 * @throws pulumi.RunError when the state cannot be read.
 */
export function readRecorded(): Promise<Resources> {
  const engine = pulumi.runtime.getMonitor();
  if (engine === undefined) return ask();
  const known = readings.get(engine);
  if (known !== undefined) return known;
  const reading = ask();
  readings.set(engine, reading);
  reading.catch(() => readings.delete(engine));
  return reading;
}

/** By connection, of which a run has one. All readers share the answer: it is as large as the state. */
const readings = new WeakMap<object, Promise<Resources>>();

async function ask(): Promise<Resources> {
  const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = (await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName })) as {
        outputs?: Resources;
      };
      return answer.outputs ?? {};
    } catch (error) {
      const wait = retryAfter[attempt];
      if (wait === undefined)
        throw new pulumi.RunError(
          `the state of ${stackName} cannot be read, so the machines that serve are not known: ` +
            `${error instanceof Error ? error.message : String(error)}. ` +
            "No machine was changed. Check the backend with `pulumi stack export --file /dev/null`, then run the command again.",
        );
      await setTimeout(wait);
    }
  }
}

/** The machines that served when the run began. */
export async function readServingMachines(): Promise<ServingMachines> {
  return servingMachinesOf(await readRecorded());
}
