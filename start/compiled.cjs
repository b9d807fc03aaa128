"use strict";
/**
 * Runs a TypeScript program of this project as one file of compiled JavaScript, which loads many times faster than its sources
 * and their packages. The file is built when it is missing or when a source or an installed package has changed.
 */
const { execFileSync } = require("node:child_process");
const { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, accessSync, constants } = require("node:fs");
const { tmpdir } = require("node:os");
const path = require("node:path");

const project = path.dirname(__dirname);

/** Changes when a file was written, and also when another one took its place. */
function stamp(file) {
  const { size, ctimeMs } = statSync(file, { throwIfNoEntry: false }) ?? {};
  return `${size} ${ctimeMs}`;
}

/** File of the compiled program; undefined when there is none or when it is older than what it was built from. */
function fresh(manifest) {
  try {
    const { root, inputs, file } = JSON.parse(readFileSync(manifest, "utf8"));
    if (root !== project || Object.keys(inputs).some((input) => stamp(path.join(root, input)) !== inputs[input]))
      return;
    const compiled = path.join(path.dirname(manifest), file);
    accessSync(compiled);
    return compiled;
  } catch {
    return undefined;
  }
}

/** The cache, or a folder for this process only where the project cannot be written to. */
function writableFolder() {
  const folder = path.join(project, "node_modules", ".cache", "corekube");
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return folder;
  } catch {
    const own = mkdtempSync(path.join(tmpdir(), "corekube-"));
    process.once("exit", () => rmSync(own, { recursive: true, force: true }));
    return own;
  }
}

/**
 * Loads a program and returns its exports.
 * @param entry Path from the project's folder, such as `infra/index.ts`.
 * @throws Error with the compiler's message, or one that says that packages are not installed.
 */
function load(entry) {
  const name = entry.replace(/[^a-z]+/gi, "-");
  const cache = path.join(project, "node_modules", ".cache", "corekube", `${name}.json`);
  let file = fresh(cache);
  if (file === undefined) {
    const folder = writableFolder();
    try {
      file = execFileSync(process.execPath, [path.join(__dirname, "compile.cjs"), entry, folder], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, NODE_OPTIONS: "" },
      });
    } catch (error) {
      throw new Error(`cannot compile ${path.join(project, entry)}: ${error.stderr || error.message}`.trimEnd());
    }
  }
  // Node 22 and later keep the parsed form of what is loaded from here on.
  require("node:module").enableCompileCache?.(path.join(project, "node_modules", ".cache", "corekube", "v8"));
  mapTracesOnDemand();
  return require(file);
}

/** Positions in traces become those of the sources. Reading source maps is left to the first trace that is asked for. */
function mapTracesOnDemand() {
  const maps = require.resolve("source-map-support");
  // The engine's runners map all traces already.
  if (require.cache[maps]) return;
  Error.prepareStackTrace = (error, frames) => {
    require(maps).install({ environment: "node", handleUncaughtExceptions: false });
    return Error.prepareStackTrace(error, frames);
  };
}

module.exports = { load, stamp };
