/** `corekube:machine:Delivery`: files on an etcd member or controller, and the machine serving with them. */
import { z } from "zod";
import { deliveryShape } from "../../components/contract/resources.js";
import { deliver } from "../machine/deliver.js";
import { digest, type Files } from "../machine/deliveryFiles.js";
import { readConfiguration } from "../machine/configuration.js";
import { reactivate, restartFailed, waitHealthy } from "../machine/healthGate.js";
import { redact, secretContents } from "../operation/redact.js";
import { rolloutPlan } from "../../components/rollout/provider/rolloutPlan.js";
import { beforeReplacing, restarting } from "../../components/rollout/provider/controlPlaneGate.js";
import { deliverApiAddress } from "../../components/rollout/provider/apiAddress.js";
import { configure } from "../../components/rollout/provider/configure.js";
import { updatePeerAddress } from "../../components/rollout/provider/etcdctl.js";
import { writeMemberOnControllers, writeHosts } from "../../components/rollout/provider/hostsFile.js";
import {
  prepareMember,
  type MemberEnvironment,
  type MemberRecord,
} from "../../components/rollout/provider/prepareMember.js";
import { isUnknown, UNKNOWN, type Properties } from "../rpc/properties.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import { Incomplete, type Change, type Operation, type ResourceKind, type State } from "../operation/resourceKind.js";
import { differs, refreshConfiguration } from "./machineState.js";
import { session, type Session } from "./session.js";

const schema = z.object(deliveryShape);
type Inputs = z.infer<typeof schema>;

/** A machine of another id is another machine. */
const REPLACING = new Set(["machineId"]);
/** How to reach the machine: tested by connecting once, without delivering again. */
const ACCESS = ["host", "bastion", "port", "user", "privateKey"] as const;
/** Used when a member starts for the first time; afterwards the members themselves know better. */
const IGNORED = "members";

export class Delivery implements ResourceKind {
  readonly secretInputs = new Set(["privateKey", "files"]);

  check(inputs: Properties) {
    return checkInputs(deliveryShape, inputs);
  }

  diff(state: State, inputs: Properties) {
    const changes: Change[] = changedInputs(without(state.inputs, IGNORED), without(inputs, IGNORED), REPLACING);
    // No digest, or another one: the last delivery failed, whatever a refresh has recorded since.
    if (changes.length === 0 && state.outputs["digest"] !== digest(inputs["files"] as Files))
      changes.push({ path: "digest", kind: "update", input: false });
    if (changes.length === 0 && differs(state, inputs))
      changes.push({ path: "configuration", kind: "update", input: false });
    // The old machine is stopped cleanly before it is removed.
    return { changes, deleteBeforeReplace: true };
  }

  preview(state: State | undefined, inputs: Properties): Properties {
    return {
      hostKey: state?.outputs["hostKey"] ?? UNKNOWN,
      digest: isUnknown(inputs["files"]) ? UNKNOWN : digest(inputs["files"] as Files),
      configuration: inputs["configuration"] ?? state?.outputs["configuration"] ?? UNKNOWN,
      host: inputs["host"] ?? UNKNOWN,
      ...(inputs["address"] === undefined ? {} : { address: inputs["address"] }),
    };
  }

  async create(operation: Operation, given: Properties) {
    const inputs = schema.parse(given);
    return { id: inputs.machineId, outputs: await this.#deliver(operation, inputs, {}, false) };
  }

  async update(operation: Operation, state: State, given: Properties): Promise<Properties> {
    const inputs = schema.parse(given);
    const recorded = state.outputs["hostKey"] as string | undefined;
    if (state.outputs["digest"] !== digest(inputs.files) || differs(state, given)) {
      const again = (): Promise<Properties> => this.#deliver(operation, inputs, state.outputs, true);
      // One that has never served has nobody who relies on it.
      return state.outputs["address"] === undefined ? again() : restarting(operation, inputs, recorded, again);
    }
    const moved = digest((state.inputs["hosts"] ?? {}) as Files) !== digest(inputs.hosts ?? {});
    if (!moved && ACCESS.every((key) => state.inputs[key] === inputs[key]))
      return { ...without(state.outputs, "bastion"), ...locationOf(inputs) };
    try {
      const outputs = await session(operation, inputs, recorded, async ({ machine, wait }) => {
        if (inputs.hosts !== undefined) await writeHosts(machine, inputs.hosts);
        // While the only member of etcd was away, the control plane has stopped; what comes next must find it again.
        if (moved) await waitHealthy(machine, wait, []);
        return { digest: digest(inputs.files) };
      });
      return { ...without(state.outputs, "bastion"), ...outputs, ...locationOf(inputs) };
    } catch (error) {
      // The machine has its files; only the connection failed, and the recorded state must keep saying so.
      throw error instanceof Incomplete ? new Error(error.message) : error;
    }
  }

  read(operation: Operation, state: State): Promise<Properties> {
    return refreshConfiguration(operation, schema.parse(state.inputs), state.outputs);
  }

  /** Nothing to undo: the files go with the machine. One that is replaced must pass the gate. */
  async delete(operation: Operation, state: State): Promise<void> {
    const inputs = schema.parse(state.inputs);
    await beforeReplacing(operation, inputs, state.outputs["hostKey"] as string | undefined);
    if (state.outputs["served"] === true) rolloutPlan.etcdServes();
    rolloutPlan.released(inputs.machine, inputs.machineId);
  }

  /** @param known Outputs of an earlier run. */
  async #deliver(operation: Operation, inputs: Inputs, known: Properties, again: boolean): Promise<Properties> {
    const secrets = [inputs.privateKey, ...secretContents(inputs.files)];
    const served = known["served"] === true || rolloutPlan.etcdHasServed;
    try {
      const outputs = await session(operation, inputs, known["hostKey"] as string | undefined, async (at) => {
        if (again) await restartFailed(at.machine);
        await this.#start(operation, at, inputs, secrets, {
          address: known["address"] as string | undefined,
          etcdHasServed: served,
          mayBeEmpty: rolloutPlan.isDeliveredAgain(inputs.machine, inputs.machineId),
        });
        return { digest: digest(inputs.files), configuration: await readConfiguration(at.machine) };
      });
      rolloutPlan.serves(inputs.machine, { host: inputs.host, hostKey: outputs.hostKey, address: inputs.address });
      return { ...outputs, ...locationOf(inputs), ...(inputs.members === undefined ? {} : { served: true }) };
    } catch (error) {
      throw error instanceof Incomplete
        ? new Incomplete(redact(error.message, secrets), error.id, {
            ...error.outputs,
            // A member that has served starts again as it ran before, also in the next run.
            ...(known["address"] === undefined ? {} : { address: known["address"] }),
            ...(inputs.members !== undefined && served ? { served } : {}),
          })
        : error;
    }
  }

  async #start(
    operation: Operation,
    { machine, wait }: Session,
    inputs: Inputs,
    secrets: readonly string[],
    record: MemberRecord,
  ): Promise<void> {
    let files: Files = inputs.files;
    let member: MemberEnvironment | undefined;
    if (inputs.hosts !== undefined) await writeHosts(machine, inputs.hosts);
    if (inputs.members !== undefined) {
      wait.progress.phase("checking the etcd cluster");
      member = await prepareMember(operation, machine, inputs.members, inputs, record);
      files = { ...files, "cluster.env": member.start };
    }
    wait.progress.phase("delivering files");
    const delivered = await deliver(machine, files);
    if (!(await configure(machine, wait, inputs.configuration)) && delivered === "again") await reactivate(machine);
    await waitHealthy(machine, wait, secrets);
    if (member !== undefined && member.start !== member.afterwards)
      await deliver(machine, { ...files, "cluster.env": member.afterwards });
    if (inputs.apiServer !== undefined) {
      wait.progress.phase("delivering its address to workers");
      await deliverApiAddress(operation, inputs.apiServer, inputs.files["ca.crt"] ?? "", inputs);
    }
    const address = inputs.members?.[inputs.machine];
    if (address === undefined) return;
    wait.progress.phase("updating its address");
    await updatePeerAddress(machine, inputs.machine, address);
    await writeMemberOnControllers(operation, inputs.machine, address, inputs);
  }
}

/** Outputs that the next run needs before it registers the machine. */
function locationOf({ host, address, bastion }: Inputs): Properties {
  return {
    host,
    ...(address === undefined ? {} : { address }),
    ...(bastion === undefined ? {} : { bastion }),
  };
}

function without(properties: Properties, key: string): Properties {
  const { [key]: _left, ...rest } = properties;
  return rest;
}
