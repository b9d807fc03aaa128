/** An operation on a machine: deadline, progress, connection, and what is kept when it fails. */
import { compareClocks } from "../machine/clock.js";
import { Progress } from "../operation/progress.js";
import { Machine, type Wait } from "../ssh/machine.js";
import { Deadline } from "../operation/timing.js";
import { Incomplete, type Operation } from "../operation/resourceKind.js";

export interface Access {
  readonly machine: string;
  readonly machineId: string;
  readonly host: string;
  readonly bastion?: string | undefined;
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  readonly timeout: number;
}

export interface Session {
  readonly machine: Machine;
  readonly wait: Wait;
}

/**
 * Connects to a machine, does `work` on it and closes the connection.
 * @param recorded the host key of earlier connections.
 * @throws {Incomplete} on any failure, with the host key if it is known by then, so that the next run checks it.
 */
export async function session<Outputs>(
  operation: Operation,
  access: Access,
  recorded: string | undefined,
  work: (session: Session) => Promise<Outputs>,
): Promise<Outputs & { readonly hostKey: string }> {
  const deadline = new Deadline(access.timeout);
  const progress = new Progress(operation.log, access.machine, deadline);
  const wait: Wait = { signal: operation.signal, deadline, progress };
  const machine = new Machine(access.machine, access, recorded, wait);
  try {
    await machine.connect();
    await compareClocks(machine, operation.log);
    const outputs = await work({ machine, wait });
    return { ...outputs, hostKey: machine.hostKey ?? "" };
  } catch (error) {
    const reason = operation.signal.aborted
      ? `${access.machine}: interrupted after ${deadline.elapsed} s; \`pulumi up\` resumes here.`
      : error instanceof Error
        ? error.message
        : String(error);
    throw new Incomplete(reason, access.machineId, machine.hostKey === undefined ? {} : { hostKey: machine.hostKey });
  } finally {
    progress.stop();
    machine.close();
  }
}
