/** Declarations of an SDK's inputs, read once for each of its versions and kept in the cache. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { labConfig } from "../../config.js";
import type * as declarations from "./declarations.js";
import type { Declaration } from "./declarations.js";

const resolver = createRequire(__filename);
const loaded = new Map<string, Declaration>();

export interface Sdk {
  readonly name: string;
  readonly directory: string;
  readonly version: string;
}

/** @throws Error when the SDK is not installed. */
export function findSdk(name: string): Sdk {
  const manifest = resolver.resolve(`${name}/package.json`);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return { name, directory: dirname(manifest), version };
}

/**
 * Undefined when the SDK has no such module: a custom resource, say.
 * @throws Error when the module does not declare it, or the TypeScript compiler is not installed.
 */
export function declarationOf(sdk: Sdk, module: string, name: string): Declaration | undefined {
  if (!existsSync(join(sdk.directory, `${module}.d.ts`))) return undefined;
  const folder = join(labConfig().cache, "plugins", `${sdk.name.replace(/^.*\//, "")}-${sdk.version}`);
  const file = join(folder, `${module.replaceAll("/", ".")}.${name}.json`);
  const known = loaded.get(file) ?? stored(file);
  if (known !== undefined) {
    loaded.set(file, known);
    return known;
  }
  // The compiler takes a while to load: only when it is needed.
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { readDeclaration } = require("./declarations.js") as typeof declarations;
  const declaration = readDeclaration(sdk.directory, module, name);
  loaded.set(file, declaration);
  try {
    mkdirSync(folder, { recursive: true });
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, JSON.stringify(declaration));
    renameSync(fresh, file);
  } catch {
    // A cache that cannot be written costs a second each time, and nothing else.
  }
  return declaration;
}

function stored(file: string): Declaration | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Declaration;
  } catch {
    return undefined;
  }
}

/** Where SDKs of plugins made from Terraform's declare a type such as `tls:index/privateKey:PrivateKey`, or a function. */
export function sdkDeclaration(token: string): { readonly module: string; readonly name: string } | undefined {
  const match = /^[^:]+:([^/:]+)\/([^:]+):([^:]+)$/.exec(token);
  if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) return undefined;
  return {
    module: match[1] === "index" ? match[2] : `${match[1]}/${match[2]}`,
    name: match[3].charAt(0).toUpperCase() + match[3].slice(1),
  };
}
