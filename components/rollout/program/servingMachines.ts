/** The machines that served before this run, from the engine's state. */
import * as pulumi from "@pulumi/pulumi";
import { resourceTypes } from "../../contract/resources.js";
import type { MachineLocation } from "../plan.js";

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

/** @param resources URN to what the state has of it. */
function servingMachinesOf(resources: Readonly<Record<string, Recorded>>): ServingMachines {
  const serving = new Map<string, MachineLocation>();
  for (const [urn, { type, outputs }] of Object.entries(resources)) {
    const proof = proofs[type];
    if (proof === undefined || outputs[proof] === undefined) continue;
    const text = (key: string): string | undefined => (typeof outputs[key] === "string" ? outputs[key] : undefined);
    const name = urn.slice(urn.lastIndexOf("::") + 2);
    serving.set(name, { host: text("host"), address: text("address"), hostKey: text("hostKey") });
  }
  return serving;
}

/** Reads this stack's state from the engine, as it was when the run began. URN to what is recorded. */
export async function readRecorded(): Promise<Readonly<Record<string, Recorded>>> {
  const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const answer = (await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName })) as {
    outputs?: Readonly<Record<string, Recorded>>;
  };
  return answer.outputs ?? {};
}

/** The machines that served when the run began. */
export async function readServingMachines(): Promise<ServingMachines> {
  return servingMachinesOf(await readRecorded());
}
