/** Providers that make nothing, and check and compare as ever: corekube's own types and those of Kubernetes. A cloud's, where that is wanted. */
import { version } from "../../package.json";
import { plugin as kubernetesObjects } from "../../lab/standins/kubernetes/plugin.js";
import { EngineLog } from "../../provider/rpc/log.js";
import type { Kind, Operation, Plugin } from "../../provider/rpc/kind.js";
import { UNKNOWN, type Properties, type Value } from "../../provider/rpc/properties.js";
import { createServer, type ProviderServer } from "../../provider/rpc/server.js";
import { checkSettings, parseSettings, secretSettings, settingsChanges } from "../../provider/operation/settings.js";
import { functions, kinds } from "../../provider/resources/index.js";
import { brokenFunction } from "../../components/rollout/plan.js";

let created = 0;

/** What only a machine, or the cloud, could say. */
function madeUp(key: string, inputs: Properties): Value {
  if (/^arn$/.test(key)) return `arn:aws:test:::${created}`;
  if (/^dnsName$/.test(key)) return `balancer-${created}.example`;
  if (/ipv4|^(public|private)?ip$/i.test(key))
    return `10.${100 + (created >> 16)}.${(created >> 8) & 255}.${created & 255}`;
  return inputs[key] ?? "";
}

/** Waits before a resource is made, changed or deleted: `update kubernetes-etcd-1`. */
export type Hold = (what: string) => Promise<void>;

type AnyState = Parameters<Kind<unknown>["read"]>[1];

/** What a refresh finds, by the type of the resource. */
export type Read = (
  type: string,
  operation: Operation<ReturnType<typeof parseSettings>>,
  state: AnyState,
) => Promise<Properties | undefined>;

/** Checks and compares as the real one does. */
function making<Settings>(kind: Kind<Settings>, hold?: Hold): Kind<Settings> {
  const outputs = async (...[state, inputs, operation]: Parameters<Kind<Settings>["preview"]>): Promise<Properties> => {
    const preview = await kind.preview(state, inputs, operation);
    return Object.fromEntries(
      Object.entries(preview).map(([key, value]) => [key, value === UNKNOWN ? madeUp(key, inputs) : value]),
    );
  };
  return {
    secretInputs: kind.secretInputs ?? new Set(),
    secretOutputs: kind.secretOutputs ?? new Set(),
    check: (inputs, before) => kind.check(inputs, before),
    diff: (state, inputs) => kind.diff(state, inputs),
    preview: (state, inputs, operation) => kind.preview(state, inputs, operation),
    create: async (operation, inputs) => {
      await hold?.(`create ${operation.name}`);
      return { id: String(++created), outputs: await outputs(undefined, inputs, operation) };
    },
    update: async (operation, state, inputs) => {
      await hold?.(`update ${operation.name}`);
      return outputs(state, inputs, operation);
    },
    read: (_operation, state) => Promise.resolve(state.outputs),
    delete: async ({ name }) => hold?.(`delete ${name}`),
  };
}

const makingAll = <Settings>(
  all: ReadonlyMap<string, Kind<Settings>>,
  hold?: Hold,
): ReadonlyMap<string, Kind<Settings>> => new Map([...all].map(([type, kind]) => [type, making(kind, hold)]));

/** Keeps what it is given. Which change replaces an object, the lab's plugin says. */
const kept = <Settings>({ secretInputs, secretOutputs, check, diff }: Kind<Settings>): Kind<unknown> => ({
  secretInputs: secretInputs ?? new Set(),
  secretOutputs: secretOutputs ?? new Set(),
  check,
  diff,
  preview: (_state, inputs) => inputs,
  create: ({ name }, inputs) => Promise.resolve({ id: name, outputs: inputs }),
  update: (_operation, _state, inputs) => Promise.resolve(inputs),
  read: (_operation, state) => Promise.resolve(state.outputs),
  delete: () => Promise.resolve(),
});

const corekube = (hold?: Hold, read?: Read): Plugin<ReturnType<typeof parseSettings>> => ({
  name: "corekube",
  version,
  kinds: new Map(
    [...makingAll(kinds, hold)].map(([type, kind]) => [
      type,
      read === undefined ? kind : { ...kind, read: (operation, state) => read(type, operation, state) },
    ]),
  ),
  // Every machine serves.
  functions: new Map([...functions, [brokenFunction, () => ({ broken: {} })]]),
  secretSettings,
  checkSettings,
  diffSettings: settingsChanges,
  configure: parseSettings,
});

const kubernetes: Plugin<unknown> = {
  ...kubernetesObjects,
  kinds: new Map([...kubernetesObjects.kinds].map(([type, kind]) => [type, kept(kind)])),
  functions: new Map(),
  configure: (settings) => settings,
};

/** The cloud's plugin: it makes nothing, and the lab's API answers its questions. */
export const makingNothing = <Settings>(plugin: Plugin<Settings>): Plugin<Settings> => ({
  ...plugin,
  kinds: makingAll(plugin.kinds),
});

export interface ServedProviders {
  /** The engine's variable that names them. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** The plugin as if the engine never cancelled it, as it does at the end of a preview: for commands of several runs. */
function lasting<Settings>(plugin: Plugin<Settings>): Plugin<Settings> {
  const uncancelled = <Operation extends { readonly signal: AbortSignal }>(operation: Operation): Operation =>
    Object.create(operation, { signal: { value: new AbortController().signal } }) as Operation;
  const kinds = [...plugin.kinds].map(([type, kind]): [string, Kind<Settings>] => [
    type,
    {
      secretInputs: kind.secretInputs ?? new Set(),
      secretOutputs: kind.secretOutputs ?? new Set(),
      check: (inputs, before) => kind.check(inputs, before),
      diff: (state, inputs) => kind.diff(state, inputs),
      preview: (state, inputs, operation) => kind.preview(state, inputs, uncancelled(operation)),
      create: (operation, inputs) => kind.create(uncancelled(operation), inputs),
      update: (operation, state, inputs) => kind.update(uncancelled(operation), state, inputs),
      read: (operation, state) => kind.read(uncancelled(operation), state),
      delete: (operation, state) => kind.delete(uncancelled(operation), state),
    },
  ]);
  const functions = [...plugin.functions].map(([token, call]): [string, typeof call] => [
    token,
    (args, operation) => call(args, uncancelled(operation)),
  ]);
  return { ...plugin, kinds: new Map(kinds), functions: new Map(functions) };
}

/**
 * Serves them in this process.
 * @param hold Of corekube's own resources. @default nothing waits
 * @param keys In place of the lab's plugin for keys and certificates, which the engine starts. @default not in place of it
 * @param read Of corekube's own resources. @default what the state has
 */
export async function serveProviders<Settings>(
  cloud: Plugin<Settings>,
  hold?: Hold,
  keys?: Plugin<undefined>,
  read?: Read,
): Promise<ServedProviders> {
  const served: ProviderServer[] = [];
  const serve = async <Each>(plugin: Plugin<Each>): Promise<string> => {
    const server = createServer(plugin, new EngineLog(undefined));
    served.push(server);
    return `${plugin.name}:${await server.listen()}`;
  };
  const names = [await serve(corekube(hold, read)), await serve(kubernetes), await serve(lasting(cloud))];
  if (keys !== undefined) names.push(await serve(keys));
  return {
    env: { PULUMI_DEBUG_PROVIDERS: names.join(",") },
    close: async () => void (await Promise.all(served.map((server) => server.drained()))),
  };
}
