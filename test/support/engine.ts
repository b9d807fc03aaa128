/** The real engine for tests: its home, state and settings are in a folder of their own, its plugins are the lab's. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pulumiCommand, separateEngine } from "../../engine/run.js";
import { projectDirectory } from "../../lab/config.js";
import { sendSignal, tryRun } from "../../lab/process/run.js";
import { tool } from "./tools.js";

export interface EngineRun {
  readonly code: number;
  /** Both outputs, line by line as they came. */
  readonly output: string;
}

export interface EngineOptions {
  readonly cwd?: string;
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folders that are searched for plugins before the lab's. */
  readonly plugins?: readonly string[];
  readonly input?: string;
  /** Sees the output so far with each new line; `interrupt` sends SIGINT. */
  readonly watch?: (output: string, interrupt: () => void) => void;
  readonly onStart?: (pid: number) => void;
}

export class TestEngine {
  readonly root = mkdtempSync(path.join(tmpdir(), "corekube-engine-"));

  constructor() {
    for (const name of ["home", "state"]) this.folder(name);
  }

  /** A folder that goes with the engine; made when it is missing. */
  folder(name: string): string {
    const folder = path.join(this.root, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** For pulumi, and for programs that call it. */
  async environment({ plugins = [], env }: Pick<EngineOptions, "plugins" | "env"> = {}): Promise<NodeJS.ProcessEnv> {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("PULUMI_"));
    const folders = [...plugins, path.join(projectDirectory, "lab/standins"), path.dirname(await tool("pulumi"))];
    return {
      ...Object.fromEntries(own),
      ...separateEngine(this.root),
      PULUMI_CONFIG_PASSPHRASE: "test",
      PATH: [...folders, process.env["PATH"]].join(":"),
      ...env,
    };
  }

  /** Runs pulumi; resolves whatever its exit code is. */
  async run(args: readonly string[], options: EngineOptions = {}): Promise<EngineRun> {
    let pid: number | undefined;
    let output = "";
    const { code } = await tryRun(pulumiCommand(args, await tool("pulumi")), {
      cwd: options.cwd,
      input: options.input,
      env: await this.environment(options),
      onStart: (started) => {
        pid = started;
        options.onStart?.(started);
      },
      onLine: (line) => {
        output += `${line}\n`;
        options.watch?.(output, () => sendSignal(pid, "SIGINT", false));
      },
    });
    return { code, output };
  }

  /** As `run`, and returns the output. @throws Error with the output when it fails. */
  async must(args: readonly string[], options?: EngineOptions): Promise<string> {
    const { code, output } = await this.run(args, options);
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }
}
