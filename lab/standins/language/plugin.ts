/** Runs plugins that are Node programs in a folder: policy packs and providers made from source. */
import type { RunPluginRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { parseOptions } from "./options.js";
import { locateModule, runProcess } from "./processes.js";

export interface PluginOutput {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
}

/** Exit code of the plugin. */
export function runPlugin(request: RunPluginRequest, output: PluginOutput, signal: AbortSignal): Promise<number> {
  const info = request.getInfo();
  const directory = info?.getProgramDirectory() ?? "";
  const options = parseOptions(info?.getOptions());
  const analyzer = request.getKind() === "analyzer";
  const runner = locateModule(
    analyzer ? "@pulumi/pulumi/cmd/run-policy-pack" : "@pulumi/pulumi/cmd/run-plugin",
    directory,
  );
  const args = request.getArgsList();
  return runProcess({
    command: process.execPath,
    // Node's arguments come after the runner, where they do nothing: as in the official host, so that what works here works there.
    args: [runner, ...options.nodeargs, ...(analyzer ? [...args, directory] : [directory, ...args])],
    directory: analyzer ? directory : request.getPwd() || directory,
    env: {
      ...environment(request.getEnvList()),
      ...(options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
      ...(options.tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig }),
    },
    signal,
    onOutput: (chunk) => output.stdout(chunk),
    onError: (chunk) => output.stderr(chunk),
  });
}

function environment(list: readonly string[]): NodeJS.ProcessEnv {
  if (list.length === 0) return process.env;
  return Object.fromEntries(
    list.map((entry) => {
      const equals = entry.indexOf("=");
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}
