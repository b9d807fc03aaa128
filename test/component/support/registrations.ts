/** Runs the program against the mocks and keeps what it asked the engine for. */
import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { getMonitor } from "@pulumi/pulumi/runtime/settings.js";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import sinon from "sinon";
import { clouds, prepareCluster } from "../../../components/clouds.js";
import { createCluster } from "../../../infra/cluster.js";
import type { ClusterOutputs } from "../../../infra/outputs.js";
import type { ClusterSpec } from "../../../components/spec/cluster.js";
import { keyWithMutant, reached, use } from "../../support/mutationCoverage.js";
import { type Calls, mocksWith } from "./mocks.js";

/** Milliseconds that the tests of a run may take on a machine that is busy with others. */
export const runTimeout = 60_000;

/** Mark under which the SDK puts secrets on the wire. */
const secretMark = "4dabf18193072939515e22adb298388d";

export interface Registration {
  readonly type: string;
  readonly name: string;
  readonly custom: boolean;
  /** `<type>/<name>` of the parent; empty for none. */
  readonly parent: string;
  readonly protect: boolean;
  readonly ignoreChanges: readonly string[];
  readonly replaceOnChanges: readonly string[];
  /** Undefined: as the resource's provider wants it. */
  readonly deleteBeforeReplace: boolean | undefined;
  /** `<type>/<name>` of what takes it along when it is deleted; empty for none. */
  readonly deletedWith: string;
  /** `<type>/<name>` of all that it waits for, by option or by input. */
  readonly dependsOn: readonly string[];
  /** Inputs as the provider sees them. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Inputs with every secret taken out: what would be readable in the state. */
  readonly readable: unknown;
}

export interface Run {
  readonly registrations: readonly Registration[];
  readonly outputs: ClusterOutputs;
  /** Resources of a type (its last part, such as `Droplet`), in order of their names. */
  of(type: string): readonly Registration[];
  /** @throws Error when there is none, or more than one. */
  one(type: string, name: string): Registration;
}

/** `<type>/<name>` of a resource. */
export const keyOf = (registration: Pick<Registration, "type" | "name">): string =>
  `${registration.type}/${registration.name}`;

function keyOfUrn(urn: string): string {
  const [, , types = "", ...name] = urn.split("::");
  return urn === "" ? "" : `${types.split("$").pop() ?? ""}/${name.join("::")}`;
}

function isSecret(value: unknown): value is { value: unknown } {
  return typeof value === "object" && value !== null && secretMark in value;
}

/** Opens secrets, or puts `[secret]` in their place. */
function walk(value: unknown, open: boolean): unknown {
  if (isSecret(value)) {
    return open ? walk(value.value, open) : "[secret]";
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown) => walk(item, open));
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, open)]));
  }
  return value;
}

function registrationOf(request: RegisterResourceRequest): Registration {
  const object: unknown = request.getObject()?.toJavaScript() ?? {};
  return {
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    parent: keyOfUrn(request.getParent()),
    protect: request.getProtect() ?? false,
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    deleteBeforeReplace: request.getDeletebeforereplacedefined() ? request.getDeletebeforereplace() : undefined,
    deletedWith: keyOfUrn(request.getDeletedwith()),
    dependsOn: request.getDependenciesList().map(keyOfUrn).sort(),
    inputs: walk(object, true) as Record<string, unknown>,
    readable: walk(object, false),
  };
}

/** Value of an output, once it is known. */
export function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}

const runs = new Map<string, Promise<Run>>();

/**
 * What the program registers for a description; everything is registered when this answers. The same description runs once.
 * @param calls Answers to functions, by their token; not given: what a first run gets.
 */
export function runProgram(spec: ClusterSpec, calls: Calls = {}, list = clouds): Promise<Run> {
  const key = JSON.stringify([spec, calls]);
  const kept = keyWithMutant(key);
  const known = runs.get(kept) ?? reached(key, () => register(spec, calls, list));
  runs.set(kept, known);
  const used = (): void => use(key);
  void known.then(used, used);
  return known;
}

async function register(spec: ClusterSpec, calls: Calls, list: typeof clouds): Promise<Run> {
  let outputs: ClusterOutputs | undefined;
  const registered = await registrationsOf(async () => {
    outputs = createCluster(await prepareCluster(spec, list));
    await valueOf(outputs.machines);
  }, calls);
  return { ...registered, outputs: outputs! };
}

/**
 * Fails with what nobody handles meanwhile. An output that fails has nobody who waits for it: what depends on it would stay unknown, and
 * a test would wait until its time is over.
 */
async function withRejections<Result>(work: () => Promise<Result>): Promise<Result> {
  let fail: (reason: unknown) => void = () => undefined;
  const rejected = new Promise<never>((_, reject) => {
    fail = reject;
  });
  process.on("unhandledRejection", fail);
  try {
    return await Promise.race([work(), rejected]);
  } catch (error) {
    // Others may follow from the same cause.
    await setTimeout(20);
    throw error;
  } finally {
    process.off("unhandledRejection", fail);
  }
}

/** What a function registers against the mocks. */
export async function registrationsOf(make: () => Promise<void>, calls: Calls = {}): Promise<Omit<Run, "outputs">> {
  const mocks = mocksWith(calls);
  const failed: unknown[] = [];
  const newResource: pulumi.runtime.Mocks["newResource"] = (args) => {
    try {
      return mocks.newResource(args);
    } catch (error) {
      failed.push(error);
      throw error;
    }
  };
  await pulumi.runtime.setMocks({ ...mocks, newResource }, "corekube", "test", false, "organization");
  const monitor = getMonitor() as unknown as { registerResource: (request: RegisterResourceRequest) => unknown };
  const spy = sinon.spy(monitor, "registerResource");
  const traces = Error.stackTraceLimit;
  // As infra/start.cjs does it: the SDK takes a trace for each promise, which is most of a run's time.
  if (!process.env["PULUMI_DEBUG_PROMISE_LEAKS"]) Error.stackTraceLimit = 0;
  try {
    await withRejections(async () => {
      await make();
      await pulumi.runtime.disconnect();
    });
    // The SDK leaves what depends on it unregistered, and says nothing.
    if (failed.length > 0) throw failed[0];
    const registrations = spy.getCalls().map((call) => registrationOf(call.args[0]));
    const of = (type: string): readonly Registration[] =>
      registrations
        .filter((registration) => registration.type.split(":").pop() === type)
        .sort((left, right) => (left.name < right.name ? -1 : 1));
    return {
      registrations,
      of,
      one: (type, name) => {
        const found = of(type).filter((registration) => registration.name === name);
        if (found.length !== 1) {
          throw new Error(
            `${type} ${name}: got ${found.length}, there are ${of(type)
              .map((each) => each.name)
              .join(", ")}`,
          );
        }
        return found[0]!;
      },
    };
  } finally {
    Error.stackTraceLimit = traces;
    spy.restore();
  }
}
