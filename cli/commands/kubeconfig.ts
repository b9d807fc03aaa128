/** `corekube kubeconfig`: the administrator's kubeconfig, in the user's own file. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { hasContext, readEntry, withContext, withoutContext } from "../kubeconfig.js";
import { print, say } from "../output.js";
import { exitCodes, refuse, type ExitCode } from "../problem.js";
import { Stack, type StackOptions } from "../stack.js";

interface Options extends StackOptions {
  readonly file?: string;
  readonly context?: string;
  readonly select: boolean;
  readonly stdout?: boolean;
  readonly remove?: boolean;
}

/** Readable by the owner only. */
const mode = 0o600;

export async function kubeconfig(options: Options): Promise<ExitCode> {
  const stack = new Stack(options);
  if (options.remove === true) {
    const [cluster, name] = await Promise.all([clusterName(stack), stack.name()]);
    const context = options.context ?? `${cluster}-${name}`;
    const file = chooseFile(options.file, context);
    const changed = existsSync(file) && change(file, (text) => withoutContext(text, context));
    say(changed ? `context ${context} removed from ${file}` : `${file} has no context ${context}`);
    return exitCodes.ok;
  }
  const [text, name] = await Promise.all([stack.kubeconfig(), stack.name()]);
  if (options.stdout === true) {
    print(text);
    return exitCodes.ok;
  }
  const entry = readEntry(text);
  const context = options.context ?? `${entry.name}-${name}`;
  const file = chooseFile(options.file, context);
  const changed = change(file, (before) => withContext(before, context, entry, options.select));
  say(`context ${context} ${changed ? "written to" : "is as it should be in"} ${file}`);
  return exitCodes.ok;
}

/** The setting; a stack that is gone has no outputs any more. */
async function clusterName(stack: Stack): Promise<string> {
  const { value } = (await stack.config())["corekube:cluster_name"] ?? {};
  return value ?? "kubernetes";
}

/** As kubectl chooses: of the files in KUBECONFIG the one that has the context, else the first that exists, else the last. */
function chooseFile(option: string | undefined, context: string): string {
  if (option !== undefined) return resolve(option);
  const files = (process.env["KUBECONFIG"] ?? "").split(delimiter).filter((file) => file !== "");
  const existing = files.filter((file) => existsSync(file));
  const chosen =
    existing.find((file) => hasContext(readFileSync(file, "utf8"), context)) ?? existing[0] ?? files.at(-1);
  return resolve(chosen ?? join(homedir(), ".kube", "config"));
}

/** Writes the changed text in one step, under the lock that kubectl uses. @returns whether the text has changed. */
function change(path: string, edit: (text: string) => string): boolean {
  // A link stays one.
  const file = existsSync(path) ? realpathSync(path) : path;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const lock = `${file}.lock`;
  try {
    writeFileSync(lock, "", { flag: "wx", mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw refuse({
      path: lock,
      got: "a lock of another program",
      allowed: "no lock",
      run: `rm ${lock}   (when no kubectl is running)`,
    });
  }
  try {
    const before = existsSync(file) ? readFileSync(file, "utf8") : "";
    let after: string;
    try {
      after = edit(before);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw refuse({
        path: file,
        got: `a file that cannot be changed: ${reason}`,
        allowed: "a kubeconfig",
        run: "corekube kubeconfig --file <another file>",
      });
    }
    if (after === before) {
      if (existsSync(file) && (statSync(file).mode & 0o077) !== 0) chmodSync(file, mode);
      return false;
    }
    const partial = `${file}.${process.pid}`;
    try {
      writeFileSync(partial, after, { mode, flag: "wx" });
      renameSync(partial, file);
    } finally {
      rmSync(partial, { force: true });
    }
    return true;
  } finally {
    rmSync(lock, { force: true });
  }
}
