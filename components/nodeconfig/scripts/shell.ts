/** Shared by the scripts on machines. They run on Flatcar: bash, curl, tar and coreutils, but no jq, Python or envsubst. */
import { scriptPath, type ScriptName } from "../../contract/paths.js";
import type { NodeFile } from "../base/types.js";

/** A script in the script directory. `purpose` is its first comment. */
export function script(name: ScriptName, purpose: string, body: string): NodeFile {
  return {
    path: scriptPath(name),
    mode: 0o755,
    contents: `#!/bin/bash\n# ${purpose}\nset -euo pipefail\n\n${body}`,
  };
}

/** Shell-quotes a word. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
