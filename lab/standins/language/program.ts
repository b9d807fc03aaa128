/** Runs a Pulumi program in a process of its own. */
import { type RunRequest, RunResponse } from "@pulumi/pulumi/proto/language_pb.js";
import { parseOptions } from "./options.js";
import { locateModule, runProcess } from "./processes.js";

/** The SDK exits with it when it has told the user what went wrong; from its cmd/run. */
const alreadyReported = 32;

const outOfMemory = /<--- Last few GCs --->|JavaScript heap out of memory/;

/** Never rejects: what goes wrong is the answer's error. */
export async function runProgram(request: RunRequest, engine: string, signal: AbortSignal): Promise<RunResponse> {
  try {
    const info = request.getInfo();
    const directory = info?.getProgramDirectory() || request.getPwd();
    const options = parseOptions(info?.getOptions());
    let memory = false;
    const code = await runProcess({
      command: process.execPath,
      args: [
        ...options.nodeargs,
        ...(request.getAttachDebugger() ? ["--inspect-brk", "--inspect-publish-uid=http"] : []),
        locateModule("@pulumi/pulumi/cmd/run", directory),
        ...programArguments(request, engine, directory),
      ],
      // Configuration holds secrets, and other users can read a command line: it goes by the environment.
      env: {
        ...process.env,
        PULUMI_CONFIG: configuration(request),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
        ...(options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
        ...(options.tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig }),
      },
      signal,
      onOutput: (chunk) => process.stdout.write(chunk),
      onError: (chunk) => {
        memory ||= outOfMemory.test(chunk.toString());
        process.stderr.write(chunk);
      },
    });
    if (code === 0) return new RunResponse();
    if (code === alreadyReported) return new RunResponse().setBail(true);
    const advice = memory
      ? "; it ran out of memory: raise it with runtime.options.nodeargs, such as --max-old-space-size=4096"
      : "";
    return new RunResponse().setError(`Program exited with non-zero exit code: ${code}${advice}`);
  } catch (error) {
    return new RunResponse().setError(error instanceof Error ? error.message : String(error));
  }
}

function programArguments(request: RunRequest, engine: string, directory: string): string[] {
  const info = request.getInfo();
  const named: Record<string, string> = {
    monitor: request.getMonitorAddress(),
    engine,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info?.getRootDirectory() ?? "",
    stack: request.getStack(),
    pwd: directory,
    parallel: String(request.getParallel()),
  };
  return [
    ...Object.entries(named).flatMap(([name, value]) => (value === "" ? [] : [`--${name}`, value])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info?.getEntryPoint() || request.getProgram() || ".",
    ...request.getArgsList(),
  ];
}

/** The SDK also knows keys in the old form, `package:config:name`, and the official host still sends that. */
function configuration(request: RunRequest): string {
  const entries = request.getConfigMap().toArray();
  return JSON.stringify(
    Object.fromEntries(entries.map(([key, value]) => [key.replace(/^([^:]+):(?:config:)?/, "$1:config:"), value])),
  );
}
