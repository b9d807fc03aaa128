/** The calls of the engine to a language host that running programs and policy packs needs. */
import * as grpc from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import * as messages from "@pulumi/pulumi/proto/language_pb.js";
import { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { type Output, runPolicyPack, runProgram } from "./run.js";

const maximumMessageBytes = 400 * 1024 * 1024;

export interface LanguageHost {
  listen(): Promise<number>;
  /** Interrupts what runs. Resolves when it has ended. */
  cancel(): Promise<void>;
}

/**
 * @param address The engine's; the handshake may give another one.
 * @param version Reported to the engine.
 */
export function createHost(address: string, version: string): LanguageHost {
  let engine = address;
  const cancellation = new AbortController();
  const running = new Set<Promise<unknown>>();
  const server = new grpc.Server({
    "grpc.max_receive_message_length": maximumMessageBytes,
    "grpc.max_send_message_length": maximumMessageBytes,
  });

  /** Starts work that ends with its call, or with the host. */
  function track<T>(call: { on(event: "cancelled", listener: () => void): unknown }, work: Work<T>): Promise<T> {
    const own = new AbortController();
    call.on("cancelled", () => own.abort());
    const done = work(AbortSignal.any([own.signal, cancellation.signal]));
    const settled: Promise<unknown> = done.then(
      () => running.delete(settled),
      () => running.delete(settled),
    );
    running.add(settled);
    return done;
  }

  // The engine answers calls that are not here with its own "not implemented".
  server.addService(LanguageRuntimeService, {
    handshake: unary((request: messages.LanguageHandshakeRequest) => {
      engine = request.getEngineAddress() || engine;
      return new messages.LanguageHandshakeResponse();
    }),
    getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
    // None in advance: the engine starts a plugin when the first resource needs it, so a stack starts its own cloud's only.
    getRequiredPackages: unary(() => new messages.GetRequiredPackagesResponse()),
    run: unary((request: messages.RunRequest, call) => track(call, (signal) => runProgram(request, engine, signal))),
    runPlugin: (call: grpc.ServerWritableStream<messages.RunPluginRequest, messages.RunPluginResponse>) => {
      const output: Output = {
        stdout: (chunk) => call.write(new messages.RunPluginResponse().setStdout(chunk)),
        stderr: (chunk) => call.write(new messages.RunPluginResponse().setStderr(chunk)),
      };
      track(call, (signal) => runPolicyPack(call.request, output, signal)).then(
        (code) => call.end(new messages.RunPluginResponse().setExitcode(code)),
        (error: unknown) => call.destroy(callError(error)),
      );
    },
    cancel: unary(() => {
      cancellation.abort();
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
    cancel: async () => {
      cancellation.abort();
      await Promise.all(running);
    },
  };
}

type Work<T> = (signal: AbortSignal) => Promise<T>;

function unary<Request, Response>(
  answer: (request: Request, call: grpc.ServerUnaryCall<Request, Response>) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    (async () => answer(call.request, call))().then(
      (response) => callback(null, response),
      (error: unknown) => callback(callError(error)),
    );
  };
}

function callError(error: unknown): grpc.ServiceError {
  const message = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(message), {
    code: grpc.status.UNKNOWN,
    details: message,
    metadata: new grpc.Metadata(),
  });
}
