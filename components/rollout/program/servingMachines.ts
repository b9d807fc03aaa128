/** The machines that served before this run, as the engine's state has them. */
import * as pulumi from "@pulumi/pulumi";

/** A machine that has been delivered to, or has joined. */
export interface Serving {
  /** Where it answers SSH; not recorded of workers. */
  readonly host?: string;
  /** In the private network; not recorded of workers. */
  readonly address?: string;
  /** Its SSH host key. */
  readonly hostKey?: string;
}

/** By machine name. */
export type Roster = ReadonlyMap<string, Serving>;

/** What the state has of a resource. */
export interface Recorded {
  readonly type: string;
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Type of the resource that stands for a serving machine, to the output that it has only if it serves. */
const proofs: Readonly<Record<string, string>> = {
  "corekube:machine:Delivery": "digest",
  "corekube:machine:Join": "nodeName",
};

/** @param resources URN to what the state has of it. */
export function rosterOf(resources: Readonly<Record<string, Recorded>>): Roster {
  const roster = new Map<string, Serving>();
  for (const [urn, { type, outputs }] of Object.entries(resources)) {
    const proof = proofs[type];
    if (proof === undefined || outputs[proof] === undefined) continue;
    const text = (key: string): Partial<Record<string, string>> =>
      typeof outputs[key] === "string" ? { [key]: outputs[key] } : {};
    roster.set(urn.slice(urn.lastIndexOf("::") + 2), { ...text("host"), ...text("address"), ...text("hostKey") });
  }
  return roster;
}

/** Asks the engine for the state of this very stack, as it was when the run began. URN to what is recorded. */
export async function readRecorded(): Promise<Readonly<Record<string, Recorded>>> {
  const stackName = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
  const answer = (await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName })) as {
    outputs?: Readonly<Record<string, Recorded>>;
  };
  return answer.outputs ?? {};
}

/** The machines that served when the run began. */
export async function readRoster(): Promise<Roster> {
  return rosterOf(await readRecorded());
}
