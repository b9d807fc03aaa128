/** `make env`: the variables for working on the lab's cluster, as lines for `eval`. */
import type { LabConfig } from "../config.js";
import { quote } from "../process/quote.js";
import { conflictingVariables, stackEnvironment } from "../engine/stack.js";

/** Lines for a POSIX shell; evaluating them twice changes nothing. */
export function environmentLines(config: LabConfig, stack: string, env: NodeJS.ProcessEnv = process.env): string[] {
  return [
    ...conflictingVariables(config)
      .filter((name) => env[name] !== undefined)
      .map((name) => `unset ${name}`),
    ...Object.entries(stackEnvironment(config, stack)).map(([name, value]) => `export ${name}=${quote(value)}`),
  ];
}
