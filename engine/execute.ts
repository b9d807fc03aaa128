/** Starts programs for commands that people and pipelines call: interrupted once, and left to complete what is under way. */
import { execa } from "execa";
import type { Runner } from "./run.js";

/** The program is not on PATH. */
export class ProgramMissing extends Error {
  constructor(readonly program: string) {
    super(`${program} is not on PATH`);
  }
}

type Options = Parameters<Runner>[1] & {
  /** In a process group of its own, so that Ctrl-C on a terminal reaches it through this process only. @default false */
  readonly ownGroup?: boolean;
};

/**
 * Passes interrupts on as SIGINT, so that the engine completes what is under way and writes its state.
 * @throws ProgramMissing
 */
export async function execute(
  command: readonly string[],
  { cwd, env, onLine, ownGroup = false }: Options,
): Promise<Awaited<ReturnType<Runner>>> {
  const child = execa(command[0]!, command.slice(1), {
    cwd,
    env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" },
    stdin: "ignore",
    stdout: onLine && {
      *transform(line: unknown): Generator<string> {
        onLine(String(line), "stdout");
      },
    },
    stderr: "pipe",
    detached: ownGroup,
    reject: false,
    maxBuffer: Number.MAX_SAFE_INTEGER,
  });
  const interrupt = (): void => {
    child.kill("SIGINT");
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    const result = await child;
    if (result.code === "ENOENT") throw new ProgramMissing(command[0]!);
    return { code: result.exitCode ?? 130, stdout: result.stdout ?? "", stderr: result.stderr ?? "" };
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
