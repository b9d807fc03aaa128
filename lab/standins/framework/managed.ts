/** Carries out a resource type of a cloud from a plain description: create, wait, compare, read back, change, delete. */
import {
  type Difference,
  type Failure,
  Incomplete,
  type Kind,
  type Operation,
  type State,
} from "../../../provider/rpc/kind.js";
import { type Properties, UNKNOWN, type Value } from "../../../provider/rpc/properties.js";
import { compare, topOf } from "./changes.js";
import { Deadline } from "./deadline.js";
import { changeOf, checkInputs, type Inputs } from "./inputs.js";
import { holds, same } from "./values.js";

/** What a call of the cloud's API needs. */
export interface Context<Cloud> {
  readonly cloud: Cloud;
  readonly deadline: Deadline;
}

/** @typeParam Remote A resource as the cloud's API shows it. */
export interface ManagedKind<Cloud, Remote> {
  /** For messages, such as `droplet`. */
  readonly title: string;
  readonly inputs: Inputs;
  /** Outputs that a preview of a creation does not know. */
  readonly computed: readonly string[];
  /** Rules beyond the list of inputs. Values may be unknown. */
  readonly problems?: (inputs: Properties) => readonly Failure[];
  /** Whether a change at a path replaces the resource, beyond what `inputs` says. */
  readonly replaces?: (path: string, before: Properties, after: Properties) => boolean;
  /** Whether two values of an input mean the same; undefined: as everywhere. */
  readonly same?: (name: string, before: Value | undefined, after: Value | undefined) => boolean | undefined;
  /** Inputs as the state keeps them. @default as they are */
  readonly shown?: (inputs: Properties) => Properties;
  /** Asks the cloud for a new one. @returns its id. */
  create(context: Context<Cloud>, inputs: Properties): Promise<string>;
  /** Undefined, or an error that {@link Options.isGone} knows: it does not exist. */
  read(context: Context<Cloud>, id: string, inputs: Properties): Promise<Remote | undefined>;
  /** What it is while it cannot be used yet. @throws Error when it never will be. */
  readonly pending?: (remote: Remote, id: string) => string | undefined;
  outputs(remote: Remote, inputs: Properties): Properties;
  /** Makes the cloud's resource what the inputs say. @param changed Inputs that changed; undefined: it was just created. */
  readonly converge?: (
    context: Context<Cloud>,
    id: string,
    remote: Remote,
    inputs: Properties,
    changed: ReadonlySet<string> | undefined,
  ) => Promise<void>;
  /** @returns `kept`: the state forgets it, and the cloud is not asked. */
  remove(context: Context<Cloud>, id: string, inputs: Properties): Promise<void | "kept">;
  /** Seconds that an operation may take without customTimeouts. @default 600 */
  readonly seconds?: number;
}

export interface Options<Settings, Cloud> {
  /** The cloud as one operation uses it. */
  readonly open: (settings: Settings, signal: AbortSignal) => Cloud;
  /** Whether an error says that there is no such resource. */
  readonly isGone: (error: unknown) => boolean;
  /** Whether the resource keeps an input that the program no longer gives. */
  readonly sticky: boolean;
}

export function managed<Settings, Cloud, Remote>(
  kind: ManagedKind<Cloud, Remote>,
  { open, isGone, sticky }: Options<Settings, Cloud>,
): Kind<Settings> {
  const { title } = kind;
  const shown = kind.shown ?? ((inputs: Properties): Properties => inputs);
  const contextOf = (operation: Operation<Settings>): Context<Cloud> => ({
    cloud: open(operation.settings, operation.signal),
    deadline: new Deadline(operation, kind.seconds ?? 600),
  });
  const isSame = (name: string, before: Value | undefined, after: Value | undefined): boolean =>
    kind.same?.(name, before, after) ?? ((sticky && (after ?? null) === null) || same(before, after));
  const diff = (state: State, inputs: Properties): Difference => {
    const changes = compare(state.inputs, inputs, {
      replaces: (path) =>
        changeOf(kind.inputs, topOf(path)) === "replace" || kind.replaces?.(path, state.inputs, inputs) === true,
      same: isSame,
    });
    // Two of one name cannot exist side by side.
    const nameStays = ["name", "keyName"].some(
      (name) => inputs[name] !== undefined && inputs[name] === state.inputs[name],
    );
    return { changes, deleteBeforeReplace: nameStays && changes.some(({ replace }) => replace === true) };
  };

  async function find(context: Context<Cloud>, id: string, inputs: Properties): Promise<Remote | undefined> {
    try {
      return await kind.read(context, id, inputs);
    } catch (error) {
      if (!isGone(error)) throw error;
      return undefined;
    }
  }

  const usable = (context: Context<Cloud>, id: string, inputs: Properties): Promise<Remote> =>
    context.deadline.until(`${title} ${id} to be usable`, async (seen) => {
      const now = await find(context, id, inputs);
      const waiting = now === undefined ? "not there yet" : kind.pending?.(now, id);
      if (waiting !== undefined) seen(waiting);
      return waiting === undefined ? now : undefined;
    });

  async function settle(
    context: Context<Cloud>,
    id: string,
    inputs: Properties,
    changed?: ReadonlySet<string>,
  ): Promise<Properties> {
    let remote = await usable(context, id, inputs);
    if (kind.converge !== undefined) {
      await kind.converge(context, id, remote, inputs, changed);
      remote = await usable(context, id, inputs);
    }
    return { ...shown(inputs), ...kind.outputs(remote, inputs) };
  }

  /** Errors that name the resource and what was done with it. */
  async function explain<T>(verb: string, name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`cannot ${verb} ${title} "${name}": ${reason}`, { cause: error });
    }
  }

  return {
    check: (inputs) => ({
      inputs,
      failures: [...checkInputs(kind.inputs, inputs, title), ...(kind.problems?.(inputs) ?? [])],
    }),
    diff,
    preview: (state, inputs) => ({
      ...(state?.outputs ?? Object.fromEntries(kind.computed.map((name) => [name, UNKNOWN]))),
      ...shown(inputs),
    }),
    create: async (operation, inputs) => {
      const context = contextOf(operation);
      const id = await explain("create", operation.name, () => kind.create(context, inputs));
      try {
        return { id, outputs: await explain("create", operation.name, () => settle(context, id, inputs)) };
      } catch (error) {
        // It exists: the state must know it, whatever went wrong afterwards.
        throw new Incomplete((error as Error).message, id, shown(inputs));
      }
    },
    update: (operation, state, inputs) =>
      explain("update", operation.name, async () => {
        const context = contextOf(operation);
        if ((await find(context, state.id, inputs)) === undefined)
          throw new Error(`it no longer exists; run "pulumi refresh" to remove it from the state`);
        // Its creation may have been interrupted.
        const complete = kind.computed.every((name) => name in state.outputs);
        const changed = new Set(diff(state, inputs).changes.map(({ path }) => topOf(path)));
        return settle(context, state.id, inputs, complete ? changed : undefined);
      }),
    read: (operation, state) =>
      explain("read", operation.name, async () => {
        const remote = await find(contextOf(operation), state.id, state.inputs);
        return remote && { ...shown(state.inputs), ...kind.outputs(remote, state.inputs) };
      }),
    drift: (inputs, outputs) => {
      const asked = shown(inputs);
      return Object.fromEntries(
        Object.entries(inputs).map(([name, value]): [string, Value] => {
          const actual = outputs[name];
          const unmoved = actual === undefined || holds(asked[name], actual) || isSame(name, value, actual);
          return [name, unmoved ? value : narrowed(value, actual)];
        }),
      );
    },
    delete: (operation, { id, inputs }) =>
      explain("delete", operation.name, async () => {
        const context = contextOf(operation);
        try {
          if ((await kind.remove(context, id, inputs)) === "kept") return;
        } catch (error) {
          if (!isGone(error)) throw error;
        }
        await context.deadline.until(`${title} ${id} to be gone`, async () =>
          (await find(context, id, inputs)) === undefined ? true : undefined,
        );
      }),
  };
}

/** Only the given inputs of an object can drift. */
function narrowed(asked: Value, actual: Value): Value {
  if (typeof asked !== "object" || asked === null || Array.isArray(asked)) return actual;
  const now = actual as Properties;
  return Object.fromEntries(
    Object.entries(asked).map(([key, value]): [string, Value] => [key, key in now ? (now[key] ?? null) : value]),
  );
}
