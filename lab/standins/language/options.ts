/** Runtime options of a project file, with the official host's names, defaults and refusals. */
import type { JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb.js";

export const packageManagers = ["npm", "pnpm", "yarn", "bun"] as const;
export type PackageManager = (typeof packageManagers)[number];

export interface Options {
  /** The SDK compiles the program with ts-node. @default true */
  readonly typescript: boolean;
  /** Path of the tsconfig.json for that. @default the one in the program's folder */
  readonly tsconfig: string | undefined;
  /** Arguments for node, before the program. @default none */
  readonly nodeargs: readonly string[];
  /** @default the one whose lock file the project has, else npm */
  readonly packagemanager: PackageManager | "auto";
}

/** @throws Error naming the option, what it is and what it may be. */
export function parseOptions(struct: Struct | undefined): Options {
  const given: Record<string, JavaScriptValue> = struct?.toJavaScript() ?? {};
  const { typescript = true, tsconfig, nodeargs = "", packagemanager = "auto" } = given;
  if (typeof typescript !== "boolean") throw wrong("typescript", typescript, "a boolean");
  if (tsconfig !== undefined && typeof tsconfig !== "string") throw wrong("tsconfig", tsconfig, "a path");
  if (typeof nodeargs !== "string") throw wrong("nodeargs", nodeargs, "a string");
  const manager = (["auto", ...packageManagers] as const).find((name) => name === packagemanager);
  if (manager === undefined)
    throw wrong("packagemanager", packagemanager, `one of auto, ${packageManagers.join(", ")}`);
  return { typescript, tsconfig, nodeargs: splitArguments(nodeargs), packagemanager: manager };
}

function wrong(option: string, value: JavaScriptValue, allowed: string): Error {
  return new Error(
    `runtime.options.${option} in the project file: got ${JSON.stringify(value)}, it must be ${allowed}`,
  );
}

/** Splits as a shell does: blanks separate, quotes and backslashes hold together. */
export function splitArguments(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let index = 0; index < line.length; index++) {
    const character = line[index] ?? "";
    if (character === "\\" && quote !== "'") word = (word ?? "") + (line[++index] ?? "");
    else if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (quote !== undefined)
    throw new Error(
      `runtime.options.nodeargs in the project file: ${JSON.stringify(line)} has an open ${quote}; close it`,
    );
  if (word !== undefined) words.push(word);
  return words;
}
