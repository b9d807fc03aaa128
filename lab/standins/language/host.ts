/** The engine's calls to a language host, for programs on Node. */
import * as grpc from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import * as messages from "@pulumi/pulumi/proto/language_pb.js";
import { PackageDependency, PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { installArguments, managerVersion, packageManager } from "./managers.js";
import { packageManagers, parseOptions } from "./options.js";
import { dependencies, pluginPackages, projectRoot } from "./packages.js";
import { runPlugin } from "./plugin.js";
import { runProcess } from "./processes.js";
import { runProgram } from "./program.js";

const maximumMessageBytes = 400 * 1024 * 1024;

export interface LanguageHost {
  listen(): Promise<number>;
  /** Interrupts what runs. Resolves when it has ended. */
  cancel(): Promise<void>;
}

/**
 * @param address The engine's; a handshake may give another one.
 * @param version Told to the engine.
 */
export function createHost(address: string, version: string): LanguageHost {
  let engine = address;
  const cancellation = new AbortController();
  const running = new Set<Promise<unknown>>();
  const server = new grpc.Server({
    "grpc.max_receive_message_length": maximumMessageBytes,
    "grpc.max_send_message_length": maximumMessageBytes,
  });

  /** Ends with the call too: an engine that has gone must not leave a program running. */
  function signalOf(call: { on(event: "cancelled", listener: () => void): unknown }): AbortSignal {
    const own = new AbortController();
    call.on("cancelled", () => own.abort());
    return AbortSignal.any([own.signal, cancellation.signal]);
  }

  function track<T>(work: Promise<T>): Promise<T> {
    const settled: Promise<unknown> = work.then(
      () => running.delete(settled),
      () => running.delete(settled),
    );
    running.add(settled);
    return work;
  }

  server.addService(LanguageRuntimeService, {
    handshake: unary((request: messages.LanguageHandshakeRequest) => {
      engine = request.getEngineAddress() || engine;
      return new messages.LanguageHandshakeResponse();
    }),
    getPluginInfo: unary(() => new PluginInfo().setVersion(version)),
    getRequiredPackages: unary((request: messages.GetRequiredPackagesRequest) =>
      new messages.GetRequiredPackagesResponse().setPackagesList(
        pluginPackages(programDirectory(request)).map((found) =>
          new PackageDependency()
            .setName(found.name)
            .setKind("resource")
            .setVersion(found.version)
            .setServer(found.server ?? ""),
        ),
      ),
    ),
    run: unary((request: messages.RunRequest, call) => track(runProgram(request, engine, signalOf(call)))),
    runPlugin: (call: grpc.ServerWritableStream<messages.RunPluginRequest, messages.RunPluginResponse>) => {
      const output = {
        stdout: (chunk: Buffer) => call.write(new messages.RunPluginResponse().setStdout(chunk)),
        stderr: (chunk: Buffer) => call.write(new messages.RunPluginResponse().setStderr(chunk)),
      };
      void track((async () => runPlugin(call.request, output, signalOf(call)))()).then(
        (code) => {
          call.write(new messages.RunPluginResponse().setExitcode(code));
          call.end();
        },
        (error: unknown) => call.destroy(callError(error)),
      );
    },
    installDependencies: (
      call: grpc.ServerWritableStream<messages.InstallDependenciesRequest, messages.InstallDependenciesResponse>,
    ) => {
      void track(install(call, signalOf(call))).then(
        () => call.end(),
        (error: unknown) => call.destroy(callError(error)),
      );
    },
    runtimeOptionsPrompts: unary((request: messages.RuntimeOptionsRequest) => {
      const response = new messages.RuntimeOptionsResponse();
      if (request.getInfo()?.getOptions()?.toJavaScript()["packagemanager"] === undefined)
        response.setPromptsList([managerPrompt()]);
      return response;
    }),
    template: unary(() => new messages.TemplateResponse()),
    about: unary((request: messages.AboutRequest) => {
      const response = new messages.AboutResponse().setExecutable(process.execPath).setVersion(process.version);
      const manager = packageManager(parseOptions(request.getInfo()?.getOptions()), programDirectory(request));
      response.getMetadataMap().set("packagemanager", manager).set("packagemanagerVersion", managerVersion(manager));
      return response;
    }),
    getProgramDependencies: unary((request: messages.GetProgramDependenciesRequest) =>
      new messages.GetProgramDependenciesResponse().setDependenciesList(
        dependencies(programDirectory(request), request.getTransitivedependencies()).map(
          ({ name, version: installed }) => new messages.DependencyInfo().setName(name).setVersion(installed),
        ),
      ),
    ),
    cancel: unary(() => {
      cancellation.abort();
      return new Empty();
    }),
    // The engine falls back to getRequiredPackages' answer; the rest makes code and SDKs, which running a program does not need.
    getRequiredPlugins: unimplemented("getRequiredPlugins"),
    generateProgram: unimplemented("generateProgram"),
    generateProject: unimplemented("generateProject"),
    generatePackage: unimplemented("generatePackage"),
    pack: unimplemented("pack"),
    link: unimplemented("link"),
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

function programDirectory(request: { getInfo(): messages.ProgramInfo | undefined }): string {
  return request.getInfo()?.getProgramDirectory() || process.cwd();
}

async function install(
  call: grpc.ServerWritableStream<messages.InstallDependenciesRequest, messages.InstallDependenciesResponse>,
  signal: AbortSignal,
): Promise<void> {
  const directory = projectRoot(programDirectory(call.request));
  const manager = packageManager(parseOptions(call.request.getInfo()?.getOptions()), directory);
  const code = await runProcess({
    command: manager,
    args: installArguments(manager),
    directory,
    env: process.env,
    signal,
    onOutput: (chunk) => call.write(new messages.InstallDependenciesResponse().setStdout(chunk)),
    onError: (chunk) => call.write(new messages.InstallDependenciesResponse().setStderr(chunk)),
  });
  if (code !== 0) throw new Error(`"${manager} install" in ${directory} ended with ${code}; its output says why`);
}

function managerPrompt(): messages.RuntimeOptionPrompt {
  const { STRING } = messages.RuntimeOptionPrompt.RuntimeOptionType;
  const value = (name: string): messages.RuntimeOptionPrompt.RuntimeOptionValue =>
    new messages.RuntimeOptionPrompt.RuntimeOptionValue()
      .setPrompttype(STRING)
      .setStringvalue(name)
      .setDisplayname(name);
  return new messages.RuntimeOptionPrompt()
    .setKey("packagemanager")
    .setDescription("The package manager to use for installing dependencies")
    .setPrompttype(STRING)
    .setChoicesList(packageManagers.map(value))
    .setDefault(value("npm"));
}

function unary<Request, Response>(
  handler: (request: Request, call: grpc.ServerUnaryCall<Request, Response>) => Response | Promise<Response>,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    (async () => handler(call.request, call))().then(
      (response) => callback(null, response),
      (error: unknown) => callback(callError(error)),
    );
  };
}

function unimplemented(name: string): grpc.UntypedHandleCall {
  return (_call: unknown, callback: grpc.sendUnaryData<never>) =>
    callback({
      code: grpc.status.UNIMPLEMENTED,
      details: `the lab's language host has no ${name}; install Pulumi's own for it`,
    });
}

function callError(error: unknown): grpc.ServiceError {
  const message = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(message), {
    code: grpc.status.UNKNOWN,
    details: message,
    metadata: new grpc.Metadata(),
  });
}
