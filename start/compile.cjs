"use strict";
/** Compiles a program into one file: `node start/compile.cjs <entry> <folder>`; writes the file's path. See compiled.cjs. */
const { createHash } = require("node:crypto");
const { existsSync, readFileSync, renameSync, rmSync, writeFileSync } = require("node:fs");
const path = require("node:path");
const { stamp } = require("./compiled.cjs");

const project = path.dirname(__dirname);
const [entry, folder] = process.argv.slice(2);
const installed = path.join(project, "node_modules", ".package-lock.json");

const plugin = {
  name: "corekube",
  setup(build) {
    // The engine's runner loads the SDK itself, and its state must be one: the program shares that copy.
    const shared = /^(infra|policies)\//.test(entry);
    build.onResolve({ filter: /^@pulumi\/pulumi(\/|$)/ }, ({ path: name }) => {
      if (!shared) return undefined;
      const slim = { "@pulumi/pulumi": "sdk.cjs", "@pulumi/pulumi/runtime": "runtime.cjs" }[name];
      return slim === undefined ? { path: name, external: true } : { path: path.join(__dirname, slim) };
    });
    // The SDK of the cloud that is not used may be missing.
    build.onResolve({ filter: /^@pulumi\/[^/]+/ }, ({ path: name }) => {
      const folder = path.join(project, "node_modules", ...name.split("/", 2));
      return existsSync(folder) ? undefined : { path: name, external: true };
    });
    // A cloud's resources are the cluster's own: another program knows the clouds by their definitions and loads no SDK.
    build.onResolve({ filter: /^\./ }, ({ path: name, kind, importer }) =>
      kind === "dynamic-import" && entry !== "infra/index.ts" && importer.startsWith(path.join(project, "components"))
        ? { path: name, external: true }
        : undefined,
    );
    // A package that is imported on demand is loaded from node_modules then.
    build.onResolve({ filter: /^[^./]/ }, ({ path: name, kind }) =>
      kind === "dynamic-import" ? { path: name, external: true } : undefined,
    );
    // Sources find files beside themselves.
    build.onLoad({ filter: /\.ts$/ }, ({ path: file }) => {
      const text = readFileSync(file, "utf8");
      if (!/__dirname|__filename/.test(text)) return undefined;
      const own = `const __filename = ${JSON.stringify(file)}, __dirname = ${JSON.stringify(path.dirname(file))};`;
      return { contents: own + text, loader: "ts" };
    });
  },
};

async function main() {
  const began = Date.now();
  const name = entry.replace(/[^a-z]+/gi, "-");
  const { outputFiles, metafile } = await require("esbuild").build({
    absWorkingDir: project,
    entryPoints: [entry],
    outfile: path.join(folder, `${name}.cjs`),
    write: false,
    bundle: true,
    metafile: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["typescript", "*.node"],
    sourcemap: "external",
    sourcesContent: false,
    // Modules of node_modules are found from a temporary folder too.
    banner: {
      js: `require = require("node:module").createRequire(${JSON.stringify(path.join(project, "package.json"))});`,
    },
    plugins: [plugin],
    logLevel: "silent",
  });
  const [map, code] = ["map", "cjs"].map((kind) => outputFiles.find(({ path: file }) => file.endsWith(kind)));
  const file = path.join(
    folder,
    `${name}-${createHash("sha256").update(code.contents).digest("hex").slice(0, 16)}.cjs`,
  );
  write(`${file}.map`, map.text);
  write(file, `${code.text}//# sourceMappingURL=${path.basename(file)}.map\n`);

  const sources = Object.keys(metafile.inputs).filter((input) => !input.includes("node_modules/"));
  const inputs = [...sources, path.relative(project, installed), path.relative(project, __filename)];
  const stamps = Object.fromEntries(inputs.map((input) => [input, stamp(path.join(project, input))]));
  // A source that was written meanwhile may be newer than what was compiled: the next run compiles again.
  if (inputs.some((input) => Number(stamps[input].split(" ")[1]) >= began)) return file;
  const manifest = path.join(folder, `${name}.json`);
  const before = existsSync(manifest) ? path.join(folder, JSON.parse(readFileSync(manifest, "utf8")).file) : file;
  write(manifest, JSON.stringify({ root: project, file: path.basename(file), inputs: stamps }));
  if (before !== file) for (const old of [before, `${before}.map`]) rmSync(old, { force: true });
  return file;
}

/** Other processes see the whole file or none. */
function write(file, text) {
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, text);
  renameSync(partial, file);
}

main().then(
  (file) => process.stdout.write(file),
  (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  },
);
