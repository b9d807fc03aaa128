/** What the scripts on machines share. They run on Flatcar: bash, curl, tar and coreutils, but no jq, Python or envsubst. */
import { scriptDirectory } from "../../contract/paths.js";
import type { NodeFile } from "../types.js";

/** A script in our directory. `purpose` is its first comment. */
export function script(name: string, purpose: string, body: string): NodeFile {
  return {
    path: `${scriptDirectory}/${name}`,
    mode: 0o755,
    contents: `#!/bin/bash\n# ${purpose}\nset -euo pipefail\n\n${body}`,
  };
}

/** A word that bash takes as it is. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
