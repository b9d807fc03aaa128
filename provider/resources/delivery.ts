/** `corekube:machine:Delivery`: secrets on an etcd member or controller, and the machine serving with them. */
import { z } from "zod";
import { deliver } from "../machine/deliver.js";
import { digest, type Files } from "../machine/deliveryFiles.js";
import { reactivate, restartFailed, waitHealthy } from "../machine/healthGate.js";
import { redact, secretContents } from "../operation/redact.js";
import { announcement } from "../../components/rollout/provider/rolloutPlan.js";
import { beforeReplacing } from "../../components/rollout/provider/replacementGate.js";
import { announceAddress } from "../../components/rollout/provider/etcdctl.js";
import { tellControllers, writeHosts } from "../../components/rollout/provider/hostsFile.js";
import { prepareMember } from "../../components/rollout/provider/prepareMember.js";
import { isUnknown, UNKNOWN, type Properties } from "../rpc/properties.js";
import { accessShape, addresses, changedInputs, checkInputs, files, text } from "../operation/inputs.js";
import { Incomplete, type Change, type Operation, type ResourceKind, type State } from "../operation/resourceKind.js";
import { visit, type Visit } from "./session.js";

const shape = {
  ...accessShape,
  files,
  address: text.optional(),
  members: addresses.optional(),
  hosts: addresses.optional(),
};
const schema = z.object(shape);
type Inputs = z.infer<typeof schema>;

/** A machine of another id is another machine. */
const REPLACING = new Set(["machineId"]);
/** How to reach the machine: proved by connecting once, without delivering again. */
const ACCESS = ["host", "bastion", "port", "user", "privateKey"] as const;
/** Of use when a member starts for the first time; the members themselves know better ever after. */
const IGNORED = "members";

export class Delivery implements ResourceKind {
  readonly secretInputs = new Set(["privateKey", "files"]);

  check(inputs: Properties) {
    return checkInputs(shape, inputs);
  }

  diff(state: State, inputs: Properties) {
    const changes: Change[] = changedInputs(without(state.inputs, IGNORED), without(inputs, IGNORED), REPLACING);
    // No digest, or another one: the last delivery did not end well, whatever a refresh has made of that.
    if (changes.length === 0 && state.outputs["digest"] !== digest(inputs["files"] as Files))
      changes.push({ path: "digest", kind: "update", input: false });
    // The old machine is asked to go in peace before it goes.
    return { changes, deleteBeforeReplace: true };
  }

  preview(state: State | undefined, inputs: Properties): Properties {
    return {
      hostKey: state?.outputs["hostKey"] ?? UNKNOWN,
      digest: isUnknown(inputs["files"]) ? UNKNOWN : digest(inputs["files"] as Files),
      host: inputs["host"] ?? UNKNOWN,
      ...(inputs["address"] === undefined ? {} : { address: inputs["address"] }),
    };
  }

  async create(operation: Operation, given: Properties) {
    const inputs = schema.parse(given);
    return { id: inputs.machineId, outputs: await this.#bring(operation, inputs, undefined, false) };
  }

  async update(operation: Operation, state: State, given: Properties): Promise<Properties> {
    const inputs = schema.parse(given);
    const recorded = state.outputs["hostKey"] as string | undefined;
    if (state.outputs["digest"] !== digest(inputs.files)) return this.#bring(operation, inputs, recorded, true);
    const moved = digest((state.inputs["hosts"] ?? {}) as Files) !== digest(inputs.hosts ?? {});
    if (!moved && ACCESS.every((key) => state.inputs[key] === inputs[key]))
      return { ...state.outputs, ...whereabouts(inputs) };
    try {
      const outputs = await visit(operation, inputs, recorded, async ({ machine }) => {
        if (inputs.hosts !== undefined) await writeHosts(machine, inputs.hosts);
        return { digest: digest(inputs.files) };
      });
      return { ...outputs, ...whereabouts(inputs) };
    } catch (error) {
      // The machine has its files; only the way to it is wrong, and the recorded state must go on saying so.
      throw error instanceof Incomplete ? new Error(error.message) : error;
    }
  }

  read(_operation: Operation, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  /** Nothing to undo: the secrets go with the machine. One that is replaced is let go only while the others do without it. */
  async delete(operation: Operation, state: State): Promise<void> {
    const inputs = schema.parse(state.inputs);
    await beforeReplacing(operation, inputs, state.outputs["hostKey"] as string | undefined);
  }

  async #bring(
    operation: Operation,
    inputs: Inputs,
    recorded: string | undefined,
    again: boolean,
  ): Promise<Properties> {
    const secrets = [inputs.privateKey, ...secretContents(inputs.files)];
    try {
      const outputs = await visit(operation, inputs, recorded, async (at) => {
        if (again) await restartFailed(at.machine);
        await this.#start(operation, at, inputs, secrets);
        return { digest: digest(inputs.files) };
      });
      announcement.serves(inputs.machine, {
        host: inputs.host,
        hostKey: outputs.hostKey,
        ...(inputs.address === undefined ? {} : { address: inputs.address }),
      });
      return { ...outputs, ...whereabouts(inputs) };
    } catch (error) {
      throw error instanceof Incomplete
        ? new Incomplete(redact(error.message, secrets), error.id, error.outputs)
        : error;
    }
  }

  async #start(
    operation: Operation,
    { machine, wait }: Visit,
    inputs: Inputs,
    secrets: readonly string[],
  ): Promise<void> {
    let complete: Files = inputs.files;
    if (inputs.hosts !== undefined) await writeHosts(machine, inputs.hosts);
    if (inputs.members !== undefined) {
      wait.progress.phase("looking at the cluster of etcd");
      complete = { ...complete, "cluster.env": await prepareMember(operation, machine, inputs.members, inputs) };
    }
    wait.progress.phase("delivering secrets");
    if ((await deliver(machine, complete)) === "again") await reactivate(machine);
    await waitHealthy(machine, wait, secrets);
    const address = inputs.members?.[inputs.machine];
    if (address === undefined) return;
    wait.progress.phase("telling the others its address");
    await announceAddress(machine, inputs.machine, address);
    await tellControllers(operation, inputs.machine, address, inputs);
  }
}

/** What the next run must know of the machine before it asks for it. */
function whereabouts(inputs: Inputs): Properties {
  return { host: inputs.host, ...(inputs.address === undefined ? {} : { address: inputs.address }) };
}

function without(properties: Properties, key: string): Properties {
  const { [key]: _left, ...rest } = properties;
  return rest;
}
