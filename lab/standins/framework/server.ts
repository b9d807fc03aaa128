/** The engine's calls to a resource plugin, translated for its kinds. */
import * as grpc from "@grpc/grpc-js";
import { type PluginAttach, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { drain } from "../../../provider/rpc/drain.js";
import { diffResponse } from "../../../provider/rpc/differences.js";
import { rpcError } from "../../../provider/rpc/errors.js";
import type { EngineLog } from "../../../provider/rpc/log.js";
import { decode, encode, secretKeys } from "../../../provider/rpc/properties.js";
import { compare, topOf } from "./changes.js";
import { checkInputs } from "./inputs.js";
import {
  type Failure,
  Incomplete,
  type Kind,
  type Operation,
  type Plugin,
  type Properties,
  type State,
} from "./kind.js";
import { checkSettings } from "./settings.js";
import { declarationOf, type Sdk } from "./types.js";

/** The engine's own limit. */
const maximumMessageBytes = 400 * 1024 * 1024;

interface ResourceRequest {
  getUrn(): string;
  getType(): string;
  getName(): string;
}

export interface PluginServer {
  /** Resolves to the port. */
  listen(): Promise<number>;
  /** Ends what waits. */
  cancel(): void;
  /** Resolves when nothing runs any more. */
  idle(): Promise<void>;
  close(): void;
}

export function createServer(plugin: Plugin, sdk: Sdk, log: EngineLog): PluginServer {
  const cancellation = new AbortController();
  const running = new Set<Promise<unknown>>();
  const server = new grpc.Server({
    "grpc.max_receive_message_length": maximumMessageBytes,
    "grpc.max_send_message_length": maximumMessageBytes,
  });

  function unary<Request, Response>(
    handler: (request: Request) => Response | Promise<Response>,
  ): grpc.handleUnaryCall<Request, Response> {
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

  /** Older engines leave type and name out; the URN always holds them. */
  const typeOf = (request: ResourceRequest): string =>
    request.getType() || (request.getUrn().split("::")[2]?.split("$").at(-1) ?? "");
  const nameOf = (request: ResourceRequest): string =>
    request.getName() || request.getUrn().split("::").slice(3).join("::");

  function kindOf(request: ResourceRequest): Kind {
    const kind = plugin.kind(typeOf(request));
    if (kind === undefined) {
      throw new Error(
        `The lab's stand-in for the plugin "${plugin.name}" has no ${typeOf(request)}; it has ${plugin.offered}. Install the official plugin for the others.`,
      );
    }
    return kind;
  }

  function operation(request: ResourceRequest, timeout = 0): Operation {
    return {
      urn: request.getUrn(),
      name: nameOf(request),
      type: typeOf(request),
      log: log.forResource(request.getUrn()),
      signal: cancellation.signal,
      timeout: timeout > 0 ? timeout : undefined,
    };
  }

  const stateOf = (id: string, inputs: Struct | undefined, outputs: Struct | undefined): State => ({
    id,
    inputs: decode(inputs),
    outputs: decode(outputs),
  });

  /** Outputs with what came in as a secret, and what the kind says is one. */
  const sealed = (kind: Kind, outputs: Properties, ...bags: (Struct | undefined)[]): Struct =>
    encode(
      outputs,
      new Set([
        ...(kind.secretOutputs ?? []),
        ...(kind.secretInputs ?? []),
        ...bags.flatMap((bag) => [...secretKeys(bag)]),
      ]),
    );

  function checkResponse(inputs: Struct | undefined, failures: readonly Failure[]): messages.CheckResponse {
    return new messages.CheckResponse()
      .setInputs(inputs)
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
    getPluginInfo: unary(() => new PluginInfo().setVersion(sdk.version)),
    getSchema: unary(() =>
      new messages.GetSchemaResponse().setSchema(JSON.stringify({ name: plugin.name, version: sdk.version })),
    ),
    getMapping: unary(() => new messages.GetMappingResponse()),
    cancel: unary(() => {
      cancellation.abort(new Error("interrupted"));
      return new Empty();
    }),

    checkConfig: unary((request: messages.CheckRequest) => {
      const settings = decode(request.getNews());
      const secrets = new Set([
        ...secretKeys(request.getNews()),
        ...[...(plugin.secretSettings ?? [])].filter((name) => name in settings),
      ]);
      return checkResponse(
        encode(settings, secrets),
        checkSettings(plugin, declarationOf(sdk, "provider", "ProviderArgs"), settings),
      );
    }),
    diffConfig: unary((request: messages.DiffRequest) => {
      const olds = decode(request.getOldInputs() ?? request.getOlds());
      const news = decode(request.getNews());
      // Without a change here the engine would go on with the old settings.
      const changes = compare(olds, news, {
        replaces: (path) => plugin.replacesOn?.(topOf(path), olds, news) === true,
      });
      return diffResponse({ changes: changes.filter(({ path }) => path !== "version"), deleteBeforeReplace: false });
    }),
    configure: unary(async (request: messages.ConfigureRequest) => {
      await plugin.configure?.(decode(request.getArgs()));
      return new messages.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true).setAcceptoutputs(false);
    }),
    invoke: unary(async (request: messages.InvokeRequest) => {
      if (plugin.invoke === undefined)
        throw new Error(`The lab's stand-in for the plugin "${plugin.name}" has no functions (${request.getTok()}).`);
      const token = request.getTok();
      const args = decode(request.getArgs());
      const place = plugin.functionDeclaration?.(token);
      const declared = place && declarationOf(sdk, place.module, `${place.name}Args`);
      const wrong = place && declared ? checkInputs(declared, args, place.name) : [];
      if (wrong.length > 0) {
        return new messages.InvokeResponse().setFailuresList(
          wrong.map(({ property, reason }) => new messages.CheckFailure().setProperty(property).setReason(reason)),
        );
      }
      const result = await plugin.invoke(token, args, cancellation.signal);
      // What was found by a secret may tell it.
      return new messages.InvokeResponse().setReturn(
        encode(result, new Set(secretKeys(request.getArgs()).size > 0 ? Object.keys(result) : [])),
      );
    }),

    construct: unary((request: messages.ConstructRequest) => {
      throw new Error(
        `The lab's stand-in for the plugin "${plugin.name}" has no component ${request.getType()}; install the official plugin for it.`,
      );
    }),
    call: unary((request: messages.CallRequest) => {
      throw new Error(
        `The lab's stand-in for the plugin "${plugin.name}" has no methods (${request.getTok()}); install the official plugin for them.`,
      );
    }),

    check: unary((request: messages.CheckRequest) => {
      const kind = kindOf(request);
      const type = typeOf(request);
      const given = decode(request.getNews());
      const place = plugin.declaration(type);
      const declared = place && declarationOf(sdk, place.module, `${place.name}Args`);
      const wrong = place && declared ? checkInputs(declared, given, place.name) : [];
      if (wrong.length > 0) return checkResponse(request.getNews(), wrong);
      const old = request.getOlds();
      const { inputs, failures } = kind.check?.(
        {
          urn: request.getUrn(),
          name: nameOf(request),
          type,
          old: old === undefined || Object.keys(old.toJavaScript()).length === 0 ? undefined : decode(old),
          seed: request.getRandomseed_asU8(),
        },
        given,
      ) ?? { inputs: given, failures: [] };
      const secrets = new Set([
        ...secretKeys(request.getNews()),
        ...Object.keys(inputs).filter((key) => kind.secretInputs?.has(key)),
      ]);
      return checkResponse(encode(inputs, secrets), failures);
    }),
    diff: unary(async (request: messages.DiffRequest) =>
      diffResponse(
        await kindOf(request).diff(
          stateOf(request.getId(), request.getOldInputs(), request.getOlds()),
          decode(request.getNews()),
        ),
      ),
    ),
    create: unary(async (request: messages.CreateRequest) => {
      const kind = kindOf(request);
      const bag = request.getProperties();
      const call = operation(request, request.getTimeout());
      if (request.getPreview()) {
        return new messages.CreateResponse().setProperties(
          sealed(kind, await kind.preview(call, undefined, decode(bag)), bag),
        );
      }
      const { id, outputs } = await kind.create(call, decode(bag));
      return new messages.CreateResponse().setId(id).setProperties(sealed(kind, outputs, bag));
    }),
    read: unary(async (request: messages.ReadRequest) => {
      const kind = kindOf(request);
      const found = await kind.read(
        operation(request),
        stateOf(request.getId(), request.getInputs(), request.getProperties()),
      );
      if (found === undefined) return new messages.ReadResponse();
      const secrets = new Set([...secretKeys(request.getInputs()), ...(kind.secretInputs ?? [])]);
      return new messages.ReadResponse()
        .setId(found.id)
        .setProperties(sealed(kind, found.outputs, request.getInputs(), request.getProperties()))
        .setInputs(encode(found.inputs, secrets));
    }),
    update: unary(async (request: messages.UpdateRequest) => {
      const kind = kindOf(request);
      const state = stateOf(request.getId(), request.getOldInputs(), request.getOlds());
      const call = operation(request, request.getTimeout());
      const bag = request.getNews();
      if (request.getPreview())
        return new messages.UpdateResponse().setProperties(
          sealed(kind, await kind.preview(call, state, decode(bag)), bag),
        );
      try {
        return new messages.UpdateResponse().setProperties(
          sealed(kind, await kind.update(call, state, decode(bag)), bag),
        );
      } catch (error) {
        throw error instanceof Incomplete ? new Incomplete(error.message, request.getId(), error.outputs) : error;
      }
    }),
    delete: unary(async (request: messages.DeleteRequest) => {
      await kindOf(request).delete(
        operation(request, request.getTimeout()),
        stateOf(request.getId(), request.getOldInputs(), request.getProperties()),
      );
      return new Empty();
    }),
  });

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
          error ? reject(error) : resolve(port),
        );
      }),
    cancel: () => cancellation.abort(new Error("interrupted")),
    idle: () => drain(server, running),
    close: () => server.forceShutdown(),
  };
}
