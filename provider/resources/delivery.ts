/** `corekube:machine:Delivery`: secrets on an etcd member or controller, and the machine serving with them. */
import { z } from "zod";
import { deliver } from "../machine/deliver.js";
import { digest, type Files } from "../machine/files.js";
import { reactivate, restartFailed, waitHealthy } from "../machine/gate.js";
import { redact, secretContents } from "../redact.js";
import { isUnknown, UNKNOWN, type Properties } from "../rpc/properties.js";
import { accessShape, changedInputs, checkInputs, files } from "./inputs.js";
import { Incomplete, type Change, type Operation, type ResourceKind, type State } from "./kind.js";
import { turns } from "./turns.js";
import { visit } from "./visit.js";

const shape = { ...accessShape, files, turn: z.string().min(1).optional() };
const schema = z.object(shape);
type Inputs = z.infer<typeof schema>;

/** A machine of another id is another machine. */
const REPLACING = new Set(["machineId"]);
/** How to reach the machine: proved by connecting once, without delivering again. */
const ACCESS = ["host", "port", "user", "privateKey"] as const;

export class Delivery implements ResourceKind {
  readonly secretInputs = new Set(["privateKey", "files"]);

  check(inputs: Properties) {
    return checkInputs(shape, inputs);
  }

  diff(state: State, inputs: Properties) {
    const changes: Change[] = changedInputs(state.inputs, inputs, REPLACING);
    // No digest, or another one: the last delivery did not end well, whatever a refresh has made of that.
    if (changes.length === 0 && state.outputs["digest"] !== digest(inputs["files"] as Files)) changes.push({ path: "digest", kind: "update", input: false });
    return { changes, deleteBeforeReplace: false };
  }

  preview(state: State | undefined, inputs: Properties): Properties {
    return {
      hostKey: state?.outputs["hostKey"] ?? UNKNOWN,
      digest: isUnknown(inputs["files"]) ? UNKNOWN : digest(inputs["files"] as Files),
    };
  }

  async create(operation: Operation, given: Properties) {
    const inputs = schema.parse(given);
    return { id: inputs.machineId, outputs: await this.#bring(operation, inputs, undefined, false) };
  }

  async update(operation: Operation, state: State, given: Properties): Promise<Properties> {
    const inputs = schema.parse(given);
    const recorded = state.outputs["hostKey"] as string | undefined;
    if (state.outputs["digest"] !== digest(inputs.files)) {
      const bring = (): Promise<Properties> => this.#bring(operation, inputs, recorded, true);
      return inputs.turn === undefined ? bring() : turns.take(inputs.turn, inputs.machine, state.outputs["digest"] === undefined, operation, bring);
    }
    if (ACCESS.every((key) => state.inputs[key] === inputs[key])) return state.outputs;
    try {
      return await visit(operation, inputs, recorded, () => Promise.resolve({ digest: digest(inputs.files) }));
    } catch (error) {
      // The machine has its files; only the way to it is wrong, and the recorded state must go on saying so.
      throw error instanceof Incomplete ? new Error(error.message) : error;
    }
  }

  read(_operation: Operation, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  /** Nothing to undo: the secrets go with the machine. */
  delete(): Promise<void> {
    return Promise.resolve();
  }

  async #bring(operation: Operation, inputs: Inputs, recorded: string | undefined, again: boolean): Promise<Properties> {
    const secrets = [inputs.privateKey, ...secretContents(inputs.files)];
    try {
      return await visit(operation, inputs, recorded, async ({ machine, wait }) => {
        if (again) await restartFailed(machine);
        wait.progress.phase("delivering secrets");
        if ((await deliver(machine, inputs.files)) === "again") await reactivate(machine);
        await waitHealthy(machine, wait, secrets);
        return { digest: digest(inputs.files) };
      });
    } catch (error) {
      throw error instanceof Incomplete ? new Incomplete(redact(error.message, secrets), error.id, error.outputs) : error;
    }
  }
}
