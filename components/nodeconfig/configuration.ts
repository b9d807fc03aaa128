/** A machine's configuration as files and links, and its digest, which the machine can work out too (provider/machine/applyScript.ts). */
import { createHash } from "node:crypto";
import { type Configuration, digestDigits } from "../contract/configurations.js";
import { directoriesFile } from "../contract/paths.js";
import { contentsOf } from "./base/placement.js";
import { file, type NodeConfig } from "./base/types.js";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** With its directories as a file, so that they are part of everything that follows. */
export function complete(config: NodeConfig): NodeConfig {
  const lines = config.directories.map(({ path, mode }) => `${mode.toString(8)} ${path}\n`);
  return { ...config, files: [...config.files, file(directoriesFile, lines.join(""))] };
}

/** @param config A complete one. @param versions Of the programs in it. */
export function configurationOf(config: NodeConfig, versions: Configuration["versions"] = {}): Configuration {
  const { files, links } = contentsOf(config);
  const content = {
    files: Object.fromEntries(
      files
        .filter(({ once }) => !once)
        .map(({ path, mode, contents }) => [path, { mode: mode.toString(8), contents }] as const),
    ),
    links: Object.fromEntries(links.map(({ path, target }) => [path, target])),
  };
  return { digest: digestOf(content), versions, ...content };
}

/** Of a listing as the machine makes it: a line for each property of each file, in the order of their bytes. */
function digestOf({ files, links }: Pick<Configuration, "files" | "links">): string {
  const name = (path: string): string => path.slice(1);
  const lines = [
    ...Object.entries(files).flatMap(([path, { mode, contents }]) => [
      `${name(path)} mode ${mode}`,
      `${name(path)} sum ${sha256(contents)}`,
    ]),
    ...Object.entries(links).map(([path, target]) => `${name(path)} link ${target}`),
  ];
  return sha256(
    lines
      .sort()
      .map((line) => `${line}\n`)
      .join(""),
  ).slice(0, digestDigits);
}
