/**
 * Starts `pulumi` and reads its events, for pipelines, lab, benchmarks and tests.
 *
 * Not the Automation API: it has the engine write its events into a file, and they hold debug messages with secrets as they
 * are. Here they stay in the memory of this process, and debug messages are dropped as they are read.
 */
import { join } from "node:path";
import { readEvent, type EngineEvent } from "./events.js";

/** How a command is run: the caller decides about interrupts and process groups. Resolves whatever the exit code is. */
export type Runner = (
  command: readonly string[],
  options: {
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly onLine?: (line: string, from: "stdout" | "stderr") => void;
  },
) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;

/** The command line for arguments of `pulumi`: no questions, no colors. */
export const pulumiCommand = (args: readonly string[], program = "pulumi"): readonly string[] => [
  program,
  ...args,
  "--non-interactive",
  "--color",
  "never",
];

/** Variables for an engine that keeps home, state and passphrase apart from those of the user. */
export const separateEngine = (folder: string): Readonly<Record<string, string>> => ({
  PULUMI_HOME: join(folder, "home"),
  PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
  ...quietEngine,
});

/** Variables for an engine that never asks the network about itself. */
export const quietEngine: Readonly<Record<string, string>> = {
  PULUMI_SKIP_UPDATE_CHECK: "true",
  PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
};

interface EventRun {
  readonly code: number;
  /** Standard error. */
  readonly errors: string;
}

/** Runs `preview`, `up`, `destroy` or `refresh` and passes on each event as it comes. */
export async function runWithEvents(
  runner: Runner,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env: NodeJS.ProcessEnv; readonly onEvent: (event: EngineEvent) => void },
): Promise<EventRun> {
  const { code, stderr } = await runner(pulumiCommand([...args, "--json"]), {
    cwd: options.cwd,
    env: { ...options.env, PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" },
    onLine: (line, from) => {
      const event = from === "stdout" ? readEvent(line) : undefined;
      if (event) options.onEvent(event);
    },
  });
  return { code, errors: stderr };
}
