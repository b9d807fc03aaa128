/** Connections to the other control-plane machines. */
import { lastLine } from "../../../provider/operation/lastLine.js";
import { Progress } from "../../../provider/operation/progress.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { limits } from "../../../provider/operation/limits.js";
import { Machine } from "../../../provider/ssh/machine.js";
import { Deadline } from "../../../provider/operation/timing.js";
import { scriptPath } from "../../contract/paths.js";
import type { PlannedMachine } from "../plan.js";
import { rolloutPlan } from "./rolloutPlan.js";

/** The same for all machines of a cluster. */
export interface Credentials {
  readonly user: string;
  readonly port: number;
  /** In OpenSSH's format. */
  readonly privateKey: string;
  /** The machine through which they are reached; undefined: directly. */
  readonly bastion?: string | undefined;
}

const HEALTH_SECONDS = 20;

/**
 * Does `work` on another machine of the cluster.
 * @param seconds until it must have answered SSH.
 * @throws {Unreachable} @throws {HostKeyChanged}
 */
export async function onPeer<Result>(
  operation: Operation,
  peer: PlannedMachine & { readonly host: string },
  credentials: Credentials,
  work: (machine: Machine) => Promise<Result>,
  seconds = limits.peer,
): Promise<Result> {
  const deadline = new Deadline(seconds);
  const progress = new Progress(operation.log, peer.machine, deadline);
  // What the state has of a bastion is that of an earlier run.
  const bastion = rolloutPlan.bastion ?? credentials.bastion;
  const machine = new Machine(peer.machine, { ...credentials, bastion, host: peer.host }, peer.hostKey, {
    signal: operation.signal,
    deadline,
    progress,
  });
  try {
    return await work(machine);
  } finally {
    progress.stop();
    machine.close();
  }
}

/** What the machine's own health check reports; undefined: it is healthy. What a login shell prints beside it explains nothing. */
export async function complaint(machine: Machine): Promise<string | undefined> {
  const { code, stdout, stderr } = await machine.root({
    script: `timeout ${HEALTH_SECONDS} ${scriptPath("health")} 2>&1`,
  });
  return code === 0
    ? undefined
    : lastLine(stdout) || lastLine(stderr) || `its health check failed with exit code ${code}`;
}
