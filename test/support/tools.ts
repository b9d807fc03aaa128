import { accessSync, constants } from "node:fs";
import path from "node:path";
import { labConfig } from "../../lab/config.js";
import { plainProgress } from "../../lab/progress.js";
import { ensureTools, toolPath } from "../../lab/toolchain/index.js";

/** A program: the one on PATH, or the lab's, which is built when it is missing. */
export async function tool(name: string): Promise<string> {
  for (const directory of (process.env["PATH"] ?? "").split(":")) {
    const file = path.join(directory, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not here.
    }
  }
  const config = labConfig();
  await ensureTools(config, [name], plainProgress());
  return toolPath(config, name);
}
