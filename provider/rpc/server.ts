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
import { drain } from "./drain.js";
import { diffResponse } from "./differences.js";
import { rpcError } from "./errors.js";
import { Incomplete, type Checked, type Kind, type Operation, type Plugin, type State } from "./kind.js";
import type { EngineLog } from "./log.js";
import { decode, encode, secretKeys, type Properties } from "./properties.js";

export const ENGINE_PORT_HOST = "127.0.0.1";
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

export function createServer<Settings>(plugin: Plugin<Settings>, log: EngineLog): ProviderServer {
  const { name, version, kinds, functions, advice = "" } = plugin;
  const cancellation = new AbortController();
  const cancel = (): void => cancellation.abort(new Error("The run was interrupted."));
  const running = new Set<Promise<unknown>>();
  let configured: { readonly settings: Settings } | undefined;
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
  function kindOf(request: ResourceRequest): Kind<Settings> {
    const type = request.getType() || request.getUrn().split("::")[2]?.split("$").at(-1) || "";
    const kind = kinds.get(type);
    if (kind === undefined)
      throw new Error(
        `The provider "${name}" has no resource type "${type}"; it has ${[...kinds.keys()].join(", ")}.${advice}`,
      );
    return kind;
  }

  async function settings(): Promise<Settings> {
    configured ??= { settings: await plugin.configure({}) };
    return configured.settings;
  }

  const operation = async (request: ResourceRequest, timeout = 0): Promise<Operation<Settings>> => ({
    name: request.getUrn().split("::").slice(3).join("::"),
    settings: await settings(),
    log: log.forResource(request.getUrn()),
    signal: cancellation.signal,
    timeout: timeout > 0 ? timeout : undefined,
  });

  const stateOf = (id: string, inputs: Struct | undefined, outputs: Struct | undefined): State => ({
    id,
    inputs: decode(inputs),
    outputs: decode(outputs),
  });

  /** Outputs; those that came in as secrets, and those that the kind names, become secrets. */
  const sealed = (kind: Kind<Settings>, outputs: Properties, ...bags: (Struct | undefined)[]): Struct =>
    encode(
      outputs,
      new Set([
        ...(kind.secretInputs ?? []),
        ...(kind.secretOutputs ?? []),
        ...bags.flatMap((bag) => [...secretKeys(bag)]),
      ]),
    );

  function checkResponse(
    news: Struct | undefined,
    { inputs, failures }: Checked,
    secretInputs: ReadonlySet<string> = new Set(),
  ): messages.CheckResponse {
    return new messages.CheckResponse()
      .setInputs(encode(inputs, new Set([...secretKeys(news), ...secretInputs])))
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
    getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
    getSchema: unary(() => new messages.GetSchemaResponse().setSchema(JSON.stringify({ name, version }))),
    getMapping: unary(() => new messages.GetMappingResponse()),
    checkConfig: unary((request: messages.CheckRequest) =>
      checkResponse(request.getNews(), plugin.checkSettings(decode(request.getNews())), plugin.secretSettings),
    ),
    diffConfig: unary((request: messages.DiffRequest) =>
      diffResponse({
        changes: plugin.diffSettings(decode(request.getOldInputs() ?? request.getOlds()), decode(request.getNews())),
        deleteBeforeReplace: false,
      }),
    ),
    configure: unary(async (request: messages.ConfigureRequest) => {
      configured = { settings: await plugin.configure(decode(request.getArgs())) };
      return new messages.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),
    cancel: unary(() => {
      cancel();
      return new Empty();
    }),

    invoke: unary(async (request: messages.InvokeRequest) => {
      const call = functions.get(request.getTok());
      if (call === undefined)
        throw new Error(
          `The provider "${name}" has no function "${request.getTok()}"; it has ${[...functions.keys()].join(", ") || "none"}.${advice}`,
        );
      const result =
        (await call(decode(request.getArgs()), { settings: await settings(), signal: cancellation.signal })) ?? {};
      // A result that was found by a secret may reveal it.
      const secrets = secretKeys(request.getArgs()).size > 0 ? Object.keys(result) : [];
      return new messages.InvokeResponse().setReturn(encode(result, new Set(secrets)));
    }),

    check: unary((request: messages.CheckRequest) => {
      const kind = kindOf(request);
      const checked = kind.check(decode(request.getNews()), request.hasOlds() ? decode(request.getOlds()) : undefined);
      return checkResponse(request.getNews(), checked, kind.secretInputs);
    }),
    diff: unary((request: messages.DiffRequest) => {
      const state = stateOf(request.getId(), request.getOldInputs(), request.getOlds());
      return diffResponse(kindOf(request).diff(state, decode(request.getNews())));
    }),
    create: unary(async (request: messages.CreateRequest) => {
      const kind = kindOf(request);
      const bag = request.getProperties();
      const call = await operation(request, request.getTimeout());
      if (request.getPreview())
        return new messages.CreateResponse().setProperties(
          sealed(kind, await kind.preview(undefined, decode(bag), call), bag),
        );
      const { id, outputs } = await kind.create(call, decode(bag));
      return new messages.CreateResponse().setId(id).setProperties(sealed(kind, outputs, bag));
    }),
    read: unary(async (request: messages.ReadRequest) => {
      const kind = kindOf(request);
      const known = stateOf(request.getId(), request.getInputs(), request.getProperties());
      if (Object.keys(known.inputs).length === 0)
        throw new Error(`A resource of the provider "${name}" cannot be imported; declare it in the program.${advice}`);
      const outputs = await kind.read(await operation(request), known);
      if (outputs === undefined) return new messages.ReadResponse();
      const inputs = kind.drift?.(known.inputs, outputs) ?? known.inputs;
      const secrets = new Set([...secretKeys(request.getInputs()), ...(kind.secretInputs ?? [])]);
      return new messages.ReadResponse()
        .setId(known.id)
        .setProperties(sealed(kind, outputs, request.getInputs(), request.getProperties()))
        .setInputs(encode(inputs, secrets));
    }),
    update: unary(async (request: messages.UpdateRequest) => {
      const kind = kindOf(request);
      const state = stateOf(request.getId(), request.getOldInputs(), request.getOlds());
      const bag = request.getNews();
      const call = await operation(request, request.getTimeout());
      try {
        const outputs = request.getPreview()
          ? await kind.preview(state, decode(bag), call)
          : await kind.update(call, state, decode(bag));
        return new messages.UpdateResponse().setProperties(sealed(kind, outputs, bag));
      } catch (error) {
        throw error instanceof Incomplete ? new Incomplete(error.message, request.getId(), error.outputs) : error;
      }
    }),
    delete: unary(async (request: messages.DeleteRequest) => {
      const state = stateOf(request.getId(), request.getOldInputs(), request.getProperties());
      await kindOf(request).delete(await operation(request, request.getTimeout()), state);
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
    cancel,
    drained: () => drain(server, running),
  };
}
