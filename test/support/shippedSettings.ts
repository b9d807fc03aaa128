import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { projectDirectory } from "../../lab/config.js";

/** Settings of a stack or of an example that the project ships, with those that a test has other values for. */
export function shippedSettings(
  stack: string,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const files = ["", "examples"].map((folder) => path.join(projectDirectory, folder, `Pulumi.${stack}.yaml`));
  const { config } = parse(readFileSync(files.find(existsSync) ?? files[0]!, "utf8")) as {
    config: Record<string, unknown>;
  };
  return { ...config, ...changes };
}
