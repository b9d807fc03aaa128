/** What a machine runs, as the state has it and as a refresh finds it. */
import { readConfiguration } from "../machine/configuration.js";
import { Incomplete, type Operation, type State } from "../operation/resourceKind.js";
import { Patience } from "../operation/patience.js";
import { isUnknown, type Properties } from "../rpc/properties.js";
import { session, type Access } from "./session.js";

/** One for all machines. */
const patience = new Patience();

/** Whether the machine is to run another configuration than it does. */
export function differs(state: State, inputs: Properties): boolean {
  const { configuration } = inputs;
  return configuration !== undefined && !isUnknown(configuration) && state.outputs["configuration"] !== configuration;
}

/** With what the machine runs now. A machine that does not answer keeps what is recorded, with a warning. */
export async function refreshConfiguration(
  operation: Operation,
  access: Access,
  outputs: Properties,
): Promise<Properties> {
  const recorded = outputs["hostKey"] as string | undefined;
  // Never reached, or made before machines had one.
  if (recorded === undefined || outputs["configuration"] === undefined) return outputs;
  try {
    const { configuration } = await session(
      operation,
      { ...access, timeout: patience.seconds },
      recorded,
      async (at) => ({
        configuration: await readConfiguration(at.machine),
      }),
    );
    patience.answered();
    if (configuration === "" && outputs["configuration"] !== "")
      operation.log.warn(
        `${access.machine}: its files were changed by hand; the next \`pulumi up\` puts them right. Which: compare them with /etc/corekube/current`,
      );
    return { ...outputs, configuration };
  } catch (error) {
    if (!(error instanceof Incomplete) || operation.signal.aborted) throw error;
    patience.unanswered();
    operation.log.warn(`${access.machine}: not refreshed, because ${error.message}`);
    return outputs;
  }
}
