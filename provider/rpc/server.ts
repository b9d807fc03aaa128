/**
 * The engine's calls, translated for the resource kinds.
 *
 * Spoken on the protocol itself, because `@pulumi/pulumi/provider` passes neither the inputs before a change (our
 * outputs do not repeat them, so that no secret stands twice in the state) nor previews nor detailed differences.
 */
import * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { PluginInfo, type PluginAttach } from "@pulumi/pulumi/proto/plugin_pb.js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import { Incomplete, type Operation, type ResourceKind, type State } from "../resources/kind.js";
import { checkSettings, parseSettings, secretSettings, settingsChanges, type Settings } from "../settings.js";
import { drain } from "./drain.js";
import { diffResponse } from "./differences.js";
import { rpcError } from "./errors.js";
import type { EngineLog } from "./log.js";
import { decode, encode, secretKeys, type Properties } from "./properties.js";

export const ENGINE_PORT_HOST = "127.0.0.1";
const VERSION = "0.1.0";
/** User-data and certificates are small, but a checkpoint's properties have no stated limit; the engine's own is 400 MB. */
const MAXIMUM_MESSAGE_BYTES = 400 * 1024 * 1024;

type Handler<Request, Response> = (request: Request) => Response | Promise<Response>;

interface ResourceRequest {
  getUrn(): string;
  getType(): string;
}

export interface ProviderServer {
  /** Starts to serve; gives the port. */
  listen(): Promise<number>;
  /** Aborts what is running. */
  cancel(): void;
  /** Resolves when nothing runs any more and every answer is out. */
  drained(): Promise<void>;
}

/** What the program tells the provider; nothing comes back. */
export type Functions = ReadonlyMap<string, (given: Properties) => void>;

export function createServer(
  kinds: ReadonlyMap<string, ResourceKind>,
  log: EngineLog,
  functions: Functions = new Map(),
): ProviderServer {
  const cancellation = new AbortController();
  const running = new Set<Promise<unknown>>();
  let settings: Settings = {};
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAXIMUM_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAXIMUM_MESSAGE_BYTES,
  });

  function unary<Request, Response>(handler: Handler<Request, Response>): grpc.handleUnaryCall<Request, Response> {
    return (call, callback) => {
      const work: Promise<unknown> = (async () => handler(call.request))()
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(rpcError(error)),
        )
        .finally(() => running.delete(work));
      running.add(work);
    };
  }

  /** Older engines leave the type out of the request; the URN always holds it. */
  function kindOf(request: ResourceRequest): ResourceKind {
    const type = request.getType() || request.getUrn().split("::")[2]?.split("$").at(-1) || "";
    const kind = kinds.get(type);
    if (kind === undefined)
      throw new Error(
        `The provider "corekube" has no resource type "${type}"; it has ${[...kinds.keys()].join(" and ")}.`,
      );
    return kind;
  }

  const operation = (request: ResourceRequest): Operation => ({
    log: log.forResource(request.getUrn()),
    signal: cancellation.signal,
    settings,
  });
  const state = (inputs: Struct | undefined, outputs: Struct | undefined): State => ({
    inputs: decode(inputs),
    outputs: decode(outputs),
  });

  function checkResponse(
    news: Struct | undefined,
    { inputs, failures }: ReturnType<ResourceKind["check"]>,
    secretInputs: ReadonlySet<string>,
  ): messages.CheckResponse {
    const secrets = new Set([...secretKeys(news), ...Object.keys(inputs).filter((key) => secretInputs.has(key))]);
    return new messages.CheckResponse()
      .setInputs(encode(inputs, secrets))
      .setFailuresList(
        failures.map(({ property, reason }) => new messages.CheckFailure().setProperty(property).setReason(reason)),
      );
  }

  server.addService(ResourceProviderService, {
    handshake: unary((request: messages.ProviderHandshakeRequest) => {
      if (request.getEngineAddress() !== "") log.attach(request.getEngineAddress());
      return new messages.ProviderHandshakeResponse().setAcceptSecrets(true);
    }),
    attach: unary((request: PluginAttach) => {
      log.attach(request.getAddress());
      return new Empty();
    }),
    getPluginInfo: unary(() => new PluginInfo().setVersion(VERSION)),
    getSchema: unary(() =>
      new messages.GetSchemaResponse().setSchema(JSON.stringify({ name: "corekube", version: VERSION })),
    ),
    checkConfig: unary((request: messages.CheckRequest) =>
      checkResponse(request.getNews(), checkSettings(decode(request.getNews())), secretSettings),
    ),
    diffConfig: unary((request: messages.DiffRequest) =>
      diffResponse({
        changes: settingsChanges(decode(request.getOldInputs() ?? request.getOlds()), decode(request.getNews())),
        deleteBeforeReplace: false,
      }),
    ),
    // The engine does not ask for it while a setting is not known, nor for anything else then.
    configure: unary((request: messages.ConfigureRequest) => {
      settings = parseSettings(decode(request.getArgs()));
      return new messages.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),
    cancel: unary(() => {
      cancellation.abort(new Error("The run was interrupted."));
      return new Empty();
    }),

    invoke: unary((request: messages.InvokeRequest) => {
      const call = functions.get(request.getTok());
      if (call === undefined)
        throw new Error(
          `The provider "corekube" has no function "${request.getTok()}"; it has ${[...functions.keys()].join(" and ")}.`,
        );
      call(decode(request.getArgs()));
      return new messages.InvokeResponse().setReturn(encode({}));
    }),

    check: unary((request: messages.CheckRequest) => {
      const kind = kindOf(request);
      const checked = kind.check(decode(request.getNews()), request.hasOlds() ? decode(request.getOlds()) : undefined);
      return checkResponse(request.getNews(), checked, kind.secretInputs);
    }),
    diff: unary((request: messages.DiffRequest) =>
      diffResponse(kindOf(request).diff(state(request.getOldInputs(), request.getOlds()), decode(request.getNews()))),
    ),
    create: unary(async (request: messages.CreateRequest) => {
      const kind = kindOf(request);
      const inputs = decode(request.getProperties());
      if (request.getPreview())
        return new messages.CreateResponse().setProperties(encode(kind.preview(undefined, inputs)));
      const { id, outputs } = await kind.create(operation(request), inputs);
      return new messages.CreateResponse().setId(id).setProperties(encode(outputs));
    }),
    read: unary(async (request: messages.ReadRequest) => {
      const kind = kindOf(request);
      const known = state(request.getInputs(), request.getProperties());
      if (Object.keys(known.inputs).length === 0) {
        throw new Error(
          "A corekube resource cannot be imported: it stands for what `pulumi up` did on a machine. Declare it in the program; `pulumi up` does again, harmlessly, what was done already.",
        );
      }
      return new messages.ReadResponse()
        .setId(request.getId())
        .setProperties(encode(await kind.read(operation(request), known)))
        .setInputs(request.getInputs());
    }),
    update: unary(async (request: messages.UpdateRequest) => {
      const kind = kindOf(request);
      const known = state(request.getOldInputs(), request.getOlds());
      const inputs = decode(request.getNews());
      if (request.getPreview()) return new messages.UpdateResponse().setProperties(encode(kind.preview(known, inputs)));
      try {
        return new messages.UpdateResponse().setProperties(
          encode(await kind.update(operation(request), known, inputs)),
        );
      } catch (error) {
        throw error instanceof Incomplete ? new Incomplete(error.message, request.getId(), error.outputs) : error;
      }
    }),
    delete: unary(async (request: messages.DeleteRequest) => {
      await kindOf(request).delete(operation(request), state(request.getOldInputs(), request.getProperties()));
      return new Empty();
    }),
  });

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.bindAsync(`${ENGINE_PORT_HOST}:0`, grpc.ServerCredentials.createInsecure(), (error, port) => {
          if (error) reject(error);
          else resolve(port);
        });
      }),
    cancel: () => cancellation.abort(new Error("The run was interrupted.")),
    drained: () => drain(server, running),
  };
}
