/** Starts the SDK's runners, for the program and for policy packs, each in a process of its own. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type RunPluginRequest, type RunRequest, RunResponse } from "@pulumi/pulumi/proto/language_pb.js";

/** Exit code of the SDK's runner when it has already logged the error. */
const alreadyReported = 32;
/** Time between an interrupt and a kill, as in the official host. */
const interruptMilliseconds = 5_000;

interface Start {
  /** Arguments for node, before the runner. @default none */
  readonly nodeArgs?: readonly string[];
  /** A module of the SDK, such as `@pulumi/pulumi/cmd/run`. */
  readonly runner: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly output: Output;
}

export interface Output {
  stdout(chunk: Buffer): void;
  stderr(chunk: Buffer): void;
}

/** Resolves to the exit code. */
function start({ nodeArgs = [], runner, args, directory, env, signal, output }: Start): Promise<number> {
  let file: string;
  try {
    file = createRequire(join(directory, "package.json")).resolve(runner);
  } catch {
    throw new Error(`The Pulumi SDK (${runner}) is not installed for ${directory}; run "npm ci" there`);
  }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...nodeArgs, file, ...args], {
      cwd: directory,
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const interrupt = (): void => {
      child.kill("SIGINT");
      const timer = setTimeout(() => child.kill("SIGKILL"), interruptMilliseconds);
      child.once("exit", () => clearTimeout(timer));
    };
    signal.addEventListener("abort", interrupt, { once: true });
    if (signal.aborted) interrupt();
    child.stdout.on("data", (chunk: Buffer) => output.stdout(chunk));
    child.stderr.on("data", (chunk: Buffer) => output.stderr(chunk));
    child.once("error", reject);
    // "close" comes after the last output, "exit" may come before it.
    child.once("close", (code, killed) => {
      signal.removeEventListener("abort", interrupt);
      if (code !== null) resolve(code);
      else reject(new Error(`${runner} was ended by ${String(killed)}`));
    });
  });
}

/** Never rejects: an error is part of the response. */
export async function runProgram(request: RunRequest, engine: string, signal: AbortSignal): Promise<RunResponse> {
  const info = request.getInfo();
  const directory = info?.getProgramDirectory() || request.getPwd();
  const named = {
    monitor: request.getMonitorAddress(),
    engine,
    organization: request.getOrganization(),
    project: request.getProject(),
    "root-directory": info?.getRootDirectory() ?? directory,
    stack: request.getStack(),
    pwd: directory,
    parallel: String(request.getParallel()),
  };
  // The SDK knows keys in their old form, which the official host sends too.
  const config = request
    .getConfigMap()
    .toArray()
    .map(([key, value]) => [key.replace(/^([^:]+):(?:config:)?/, "$1:config:"), value]);
  const nodeArgs = info?.getOptions()?.toJavaScript()["nodeargs"];
  try {
    const code = await start({
      nodeArgs: typeof nodeArgs === "string" ? nodeArgs.split(/\s+/).filter(Boolean) : [],
      runner: "@pulumi/pulumi/cmd/run",
      args: [
        ...Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]),
        ...(request.getDryrun() ? ["--dry-run"] : []),
        info?.getEntryPoint() || ".",
        ...request.getArgsList(),
      ],
      directory,
      // Configuration holds secrets, and other users can read a command line.
      env: {
        ...process.env,
        PULUMI_CONFIG: JSON.stringify(Object.fromEntries(config)),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      },
      signal,
      output: { stdout: (chunk) => process.stdout.write(chunk), stderr: (chunk) => process.stderr.write(chunk) },
    });
    if (code === 0) return new RunResponse();
    if (code === alreadyReported) return new RunResponse().setBail(true);
    return new RunResponse().setError(`Program exited with non-zero exit code: ${code}`);
  } catch (error) {
    return new RunResponse().setError(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Runs a policy pack and resolves to its exit code.
 * @throws Error for other kinds of plugins: providers of the lab are executables.
 */
export async function runPolicyPack(request: RunPluginRequest, output: Output, signal: AbortSignal): Promise<number> {
  if (request.getKind() !== "analyzer")
    throw new Error(`the lab's language host runs policy packs only, not a plugin of kind ${request.getKind()}`);
  const directory = request.getInfo()?.getProgramDirectory() ?? "";
  const env = request.getEnvList().map((entry) => /^([^=]*)=(.*)$/s.exec(entry)?.slice(1) as [string, string]);
  return start({
    runner: "@pulumi/pulumi/cmd/run-policy-pack",
    args: [...request.getArgsList(), directory],
    directory,
    env: env.length > 0 ? Object.fromEntries(env) : process.env,
    signal,
    output,
  });
}
