/** Calls a plugin the way the engine does: over gRPC, with property bags. */
import * as grpc from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import { Status } from "@pulumi/pulumi/proto/status_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import type { Plugin } from "../../../provider/rpc/kind.js";
import { EngineLog } from "../../../provider/rpc/log.js";
import { createServer, type ProviderServer } from "../../../provider/rpc/server.js";

export type Bag = Record<string, JavaScriptValue>;

/** The engine's forms of a secret and of a value that is not known yet. */
const signature = "4dabf18193072939515e22adb298388d";
const secretMark = "1b47061264138c4ac30d75fd1eb44270";
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly inputs: Bag;
  readonly outputs: Bag;
  /** Outputs that came back as secrets. */
  readonly secrets: readonly string[];
}

export interface Difference {
  readonly changes: boolean;
  readonly replaces: readonly string[];
  readonly paths: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

/** A call that failed after the resource was made. */
export interface Partial {
  readonly id: string;
  readonly outputs: Bag;
  readonly reasons: readonly string[];
}

export class TestEngine {
  private constructor(
    private readonly server: ProviderServer,
    private readonly client: ResourceProviderClient,
  ) {}

  static async start<Settings>(plugin: Plugin<Settings>, settings: Bag = {}): Promise<TestEngine> {
    const server = createServer(plugin, new EngineLog(undefined));
    const client = new ResourceProviderClient(`127.0.0.1:${await server.listen()}`, grpc.credentials.createInsecure());
    const engine = new TestEngine(server, client);
    try {
      await engine.call(
        "configure",
        new messages.ConfigureRequest().setArgs(Struct.fromJavaScript(settings)).setAcceptsecrets(true),
      );
    } catch (error) {
      engine.stop();
      throw error;
    }
    return engine;
  }

  stop(): void {
    this.client.close();
    this.server.cancel();
    void this.server.drained();
  }

  async checkConfig(settings: Bag): Promise<string[]> {
    const response = await this.call<messages.CheckResponse>(
      "checkConfig",
      new messages.CheckRequest().setNews(Struct.fromJavaScript(settings)),
    );
    return response.getFailuresList().map((failure) => failure.getReason());
  }

  /** Inputs as the plugin completes them, and its refusals. */
  async check(type: string, name: string, inputs: Bag, old?: Bag): Promise<{ inputs: Bag; failures: string[] }> {
    const request = new messages.CheckRequest()
      .setUrn(urn(type, name))
      .setType(type)
      .setName(name)
      .setNews(Struct.fromJavaScript(inputs));
    if (old !== undefined) request.setOlds(Struct.fromJavaScript(old));
    const response = await this.call<messages.CheckResponse>("check", request);
    return {
      inputs: response.getInputs()?.toJavaScript() ?? {},
      failures: response.getFailuresList().map((failure) => failure.getReason()),
    };
  }

  /** Checks and creates. @param timeout Seconds, as customTimeouts.create. */
  async create(type: string, name: string, given: Bag, timeout = 0): Promise<Resource> {
    const { inputs, failures } = await this.check(type, name, given);
    if (failures.length > 0) throw new Error(failures.join("; "));
    const response = await this.call<messages.CreateResponse>(
      "create",
      new messages.CreateRequest()
        .setUrn(urn(type, name))
        .setType(type)
        .setName(name)
        .setProperties(Struct.fromJavaScript(inputs))
        .setTimeout(timeout),
    );
    return { type, name, id: response.getId(), inputs, ...opened(response.getProperties()) };
  }

  async preview(type: string, name: string, given: Bag): Promise<Bag> {
    const { inputs } = await this.check(type, name, given);
    const request = new messages.CreateRequest()
      .setUrn(urn(type, name))
      .setType(type)
      .setName(name)
      .setProperties(Struct.fromJavaScript(inputs))
      .setPreview(true);
    return opened((await this.call<messages.CreateResponse>("create", request)).getProperties()).outputs;
  }

  /** What another state of the inputs would do. */
  async diff(resource: Resource, given: Bag): Promise<Difference> {
    const { inputs, failures } = await this.check(resource.type, resource.name, given, resource.inputs);
    if (failures.length > 0) throw new Error(failures.join("; "));
    const response = await this.call<messages.DiffResponse>(
      "diff",
      new messages.DiffRequest()
        .setId(resource.id)
        .setUrn(urn(resource.type, resource.name))
        .setType(resource.type)
        .setName(resource.name)
        .setOlds(Struct.fromJavaScript(resource.outputs))
        .setOldInputs(Struct.fromJavaScript(resource.inputs))
        .setNews(Struct.fromJavaScript(inputs)),
    );
    const { ADD_REPLACE, UPDATE_REPLACE, DELETE_REPLACE } = messages.PropertyDiff.Kind;
    const replacing: readonly number[] = [ADD_REPLACE, UPDATE_REPLACE, DELETE_REPLACE];
    const kindOf = (path: string): number => response.getDetaileddiffMap().get(path)?.getKind() ?? -1;
    const paths = [...response.getDetaileddiffMap().keys()] as string[];
    return {
      changes: response.getChanges() === messages.DiffResponse.DiffChanges.DIFF_SOME,
      replaces: paths.filter((path) => replacing.includes(kindOf(path))),
      paths,
      deleteBeforeReplace: response.getDeletebeforereplace(),
    };
  }

  async update(resource: Resource, given: Bag): Promise<Resource> {
    const { inputs } = await this.check(resource.type, resource.name, given, resource.inputs);
    const response = await this.call<messages.UpdateResponse>(
      "update",
      new messages.UpdateRequest()
        .setId(resource.id)
        .setUrn(urn(resource.type, resource.name))
        .setType(resource.type)
        .setName(resource.name)
        .setOlds(Struct.fromJavaScript(resource.outputs))
        .setOldInputs(Struct.fromJavaScript(resource.inputs))
        .setNews(Struct.fromJavaScript(inputs)),
    );
    return { ...resource, inputs, ...opened(response.getProperties()) };
  }

  /** Undefined: it is gone. */
  async refresh(resource: Resource): Promise<Resource | undefined> {
    const request = new messages.ReadRequest()
      .setId(resource.id)
      .setUrn(urn(resource.type, resource.name))
      .setType(resource.type)
      .setName(resource.name)
      .setInputs(Struct.fromJavaScript(resource.inputs))
      .setProperties(Struct.fromJavaScript(resource.outputs));
    const response = await this.call<messages.ReadResponse>("read", request);
    if (response.getId() === "") return undefined;
    const { type, name } = resource;
    return {
      type,
      name,
      id: response.getId(),
      inputs: opened(response.getInputs()).outputs,
      ...opened(response.getProperties()),
    };
  }

  async delete(resource: Resource): Promise<void> {
    const request = new messages.DeleteRequest()
      .setId(resource.id)
      .setUrn(urn(resource.type, resource.name))
      .setType(resource.type)
      .setName(resource.name);
    await this.call(
      "delete",
      request
        .setProperties(Struct.fromJavaScript(resource.outputs))
        .setOldInputs(Struct.fromJavaScript(resource.inputs)),
    );
  }

  async invoke(token: string, args: Bag): Promise<Bag> {
    const response = await this.call<messages.InvokeResponse>(
      "invoke",
      new messages.InvokeRequest().setTok(token).setArgs(Struct.fromJavaScript(args)),
    );
    return opened(response.getReturn()).outputs;
  }

  async cancel(): Promise<void> {
    await this.call("cancel", new Empty());
  }

  private call<Response>(
    name:
      "checkConfig" | "configure" | "check" | "diff" | "create" | "update" | "read" | "delete" | "cancel" | "invoke",
    request: object,
  ): Promise<Response> {
    const method = this.client[name] as unknown as (
      request: object,
      callback: (error: grpc.ServiceError | null, response: Response) => void,
    ) => void;
    return new Promise((resolve, reject) => {
      method.call(this.client, request, (error, response) => (error === null ? resolve(response) : reject(error)));
    });
  }
}

/** What an error says about a resource that exists nevertheless; undefined: it does not. */
export function partialOf(error: unknown): Partial | undefined {
  const [packed] = (error as grpc.ServiceError).metadata?.get("grpc-status-details-bin") ?? [];
  if (packed === undefined) return undefined;
  const [detail] = Status.deserializeBinary(Buffer.from(packed)).getDetailsList();
  const failed = messages.ErrorResourceInitFailed.deserializeBinary(detail?.getValue_asU8() ?? new Uint8Array());
  return { id: failed.getId(), outputs: opened(failed.getProperties()).outputs, reasons: failed.getReasonsList() };
}

function urn(type: string, name: string): string {
  return `urn:pulumi:test::test::${type}::${name}`;
}

function opened(struct: Struct | undefined): { outputs: Bag; secrets: string[] } {
  const secrets: string[] = [];
  const entries = Object.entries(struct?.toJavaScript() ?? {}).map(([key, value]): [string, JavaScriptValue] => {
    const wrapped = value as Bag | null;
    if (typeof wrapped !== "object" || wrapped?.[signature] !== secretMark) return [key, value];
    secrets.push(key);
    return [key, wrapped["value"] ?? null];
  });
  return { outputs: Object.fromEntries(entries), secrets };
}
