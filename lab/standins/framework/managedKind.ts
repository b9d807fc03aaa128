/** What the resources of all clouds have in common: made, waited for, compared, read again and deleted. */
import { compare, topOf } from "./changes.js";
import {
  type CheckOperation,
  type Difference,
  type Failure,
  Incomplete,
  type Kind,
  type Operation,
  type Properties,
  type State,
  UNKNOWN,
  type Value,
} from "./kind.js";
import { autoname } from "./names.js";
import { holds, pick, sameSets } from "./sets.js";
import { Deadline } from "./waiting.js";

/** Seconds that each operation may take without customTimeouts. */
export interface Times {
  readonly create: number;
  readonly update: number;
  readonly delete: number;
}

/** @typeParam Remote A resource as the cloud's API shows it. */
export abstract class ManagedKind<Remote> implements Kind {
  /** For messages, such as `droplet`. */
  protected abstract readonly title: string;
  /** Inputs whose change makes a new resource. */
  protected abstract readonly replaces: ReadonlySet<string>;
  /** Inputs, for an import. */
  protected abstract readonly inputs: readonly string[];
  /** Outputs that a preview of a creation does not know. */
  protected abstract readonly computed: readonly string[];
  /** A name is made when none is given. */
  protected readonly named: boolean = true;
  protected readonly nameProperty: string = "name";
  protected readonly times: Times = { create: 300, update: 300, delete: 300 };

  /** Asks the cloud for a new one; what it answers. */
  protected abstract make(operation: Operation, inputs: Properties, deadline: Deadline): Promise<Remote>;
  /** The state's outputs. */
  protected abstract outputs(remote: Remote, inputs: Properties): Properties;
  /** Changes what can be changed. */
  protected abstract change(
    deadline: Deadline,
    state: State,
    inputs: Properties,
    changed: ReadonlySet<string>,
  ): Promise<void>;
  protected abstract idOf(remote: Remote): string;
  /** Undefined: it is gone. @param outputs As in the state, where there is one. */
  protected abstract look(operation: Operation, id: string, outputs: Properties): Promise<Remote | undefined>;
  protected abstract remove(deadline: Deadline, state: State): Promise<void>;
  /** Whether an error says that there is no such resource. */
  protected abstract isGone(error: unknown): boolean;

  /** Resolves when it can be used. */
  protected async ready(_deadline: Deadline, _id: string, remote: Remote, _inputs: Properties): Promise<Remote> {
    return remote;
  }

  /** What follows a creation until all that was asked for is there. */
  protected async finish(deadline: Deadline, id: string, made: Remote, inputs: Properties): Promise<Remote> {
    return this.ready(deadline, id, made, inputs);
  }

  /** @param inputs As the program gave them. */
  protected problems(_inputs: Properties): readonly Failure[] {
    return [];
  }

  /** Defaults that the plugin itself adds. */
  protected complete(inputs: Properties): Properties {
    return inputs;
  }

  protected nameOf(operation: CheckOperation): string {
    return autoname(operation.name, operation.seed);
  }

  check(operation: CheckOperation, given: Properties): { inputs: Properties; failures: readonly Failure[] } {
    const failures = this.problems(given);
    const inputs: Record<string, Value> = { ...given };
    delete inputs["__defaults"];
    const name = this.nameProperty;
    if (this.named && (given[name] ?? null) === null && (given[`${name}Prefix`] ?? null) === null) {
      const kept = operation.old?.[name];
      inputs[name] = this.wasMade(operation.old) && kept !== undefined ? kept : this.nameOf(operation);
      inputs["__defaults"] = [name];
    }
    return { inputs, failures };
  }

  diff(state: State, inputs: Properties): Difference {
    const changes = compare(state.inputs, inputs, {
      replaces: (path) => this.replaces.has(topOf(path)) || this.replacesOn(topOf(path), state, inputs),
      same: (property, before, after) => this.same(property, before, after),
    });
    const replaced = changes.some((change) => change.replace);
    // Two of one name could not exist side by side; names made by the plugin differ.
    const nameStays =
      this.named &&
      !this.wasMade(inputs) &&
      inputs[this.nameProperty] !== undefined &&
      inputs[this.nameProperty] === state.inputs[this.nameProperty];
    return { changes, deleteBeforeReplace: replaced && nameStays };
  }

  protected same(_property: string, before: Value | undefined, after: Value | undefined): boolean {
    return sameSets(before, after);
  }

  /** Replacements that depend on the values. */
  protected replacesOn(_property: string, _state: State, _inputs: Properties): boolean {
    return false;
  }

  preview(_operation: Operation, state: State | undefined, inputs: Properties): Properties {
    const unknown: Properties = Object.fromEntries(this.computed.map((name): [string, Value] => [name, UNKNOWN]));
    return { ...(state?.outputs ?? unknown), ...this.complete(visible(inputs)) };
  }

  async create(operation: Operation, inputs: Properties): Promise<{ id: string; outputs: Properties }> {
    const deadline = new Deadline(operation, this.times.create);
    const made = await this.explain("create", operation.name, () => this.make(operation, inputs, deadline));
    const id = this.idOf(made);
    try {
      const remote = await this.explain("create", operation.name, () => this.finish(deadline, id, made, inputs));
      return { id, outputs: this.outputs(remote, inputs) };
    } catch (error) {
      // It exists: the state must know it, whatever went wrong after.
      throw new Incomplete(error instanceof Error ? error.message : String(error), id, this.outputs(made, inputs));
    }
  }

  async update(operation: Operation, state: State, inputs: Properties): Promise<Properties> {
    const deadline = new Deadline(operation, this.times.update);
    return this.explain("update", operation.name, async () => {
      // It may never have got ready, when its creation was interrupted.
      await this.ready(deadline, state.id, await this.get(operation, state.id, state.outputs), inputs);
      const changed = new Set(this.diff(state, inputs).changes.map((change) => topOf(change.path)));
      await this.change(deadline, state, inputs, changed);
      return this.outputs(
        await this.ready(deadline, state.id, await this.get(operation, state.id, state.outputs), inputs),
        inputs,
      );
    });
  }

  async read(operation: Operation, state: State): Promise<State | undefined> {
    return this.explain("read", operation.name, async () => {
      const remote = await this.look(operation, state.id, state.outputs);
      if (remote === undefined) return undefined;
      const imported = Object.keys(state.inputs).length === 0;
      const outputs = this.outputs(remote, state.inputs);
      if (imported) return { id: state.id, inputs: pick(outputs, this.inputs), outputs };
      const inputs = Object.fromEntries(
        Object.entries(state.inputs).map(([name, asked]): [string, Value] => [
          name,
          this.drift(name, asked, outputs[name]),
        ]),
      );
      return { id: state.id, inputs, outputs };
    });
  }

  async delete(operation: Operation, state: State): Promise<void> {
    const deadline = new Deadline(operation, this.times.delete);
    await this.explain("delete", operation.name, async () => {
      try {
        await this.remove(deadline, state);
      } catch (error) {
        if (!this.isGone(error)) throw error;
      }
      await deadline.until(`${this.title} ${state.id} to be gone`, async () =>
        (await this.look(operation, state.id, state.outputs)) === undefined ? true : undefined,
      );
    });
  }

  protected async get(operation: Operation, id: string, outputs: Properties = {}): Promise<Remote> {
    const remote = await this.look(operation, id, outputs);
    if (remote === undefined)
      throw new Error(`${this.title} ${id} is not there any more; "pulumi refresh" takes it out of the state`);
    return remote;
  }

  /** The input as it is now: what was asked for, unless the cloud has something else. */
  protected drift(name: string, asked: Value, actual: Value | undefined): Value {
    if (name.startsWith("__") || actual === undefined) return asked;
    return holds(asked, actual) || this.same(name, asked, actual) ? asked : actual;
  }

  /** Whether the plugin made the name. */
  private wasMade(inputs: Properties | undefined): boolean {
    const defaults = inputs?.["__defaults"];
    return Array.isArray(defaults) && defaults.includes(this.nameProperty);
  }

  /** Errors that name the resource and what was done with it. */
  private async explain<T>(verb: string, name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Incomplete) throw error;
      throw new Error(
        `cannot ${verb} ${this.title} "${name}": ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
  }
}

function visible(inputs: Properties): Properties {
  return Object.fromEntries(Object.entries(inputs).filter(([key]) => !key.startsWith("__")));
}
