/** Package managers: which one a project uses, and how it installs. */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Options, PackageManager } from "./options.js";
import { projectRoot } from "./packages.js";

const lockFiles: readonly (readonly [string, PackageManager])[] = [
  ["pnpm-lock.yaml", "pnpm"],
  ["yarn.lock", "yarn"],
  ["bun.lock", "bun"],
  ["package-lock.json", "npm"],
];

export function packageManager(options: Options, directory: string): PackageManager {
  if (options.packagemanager !== "auto") return options.packagemanager;
  const root = projectRoot(directory);
  return lockFiles.find(([file]) => existsSync(join(root, file)))?.[1] ?? "npm";
}

/** Arguments that install what the lock file says, or what package.json says when there is no lock file. */
export function installArguments(manager: PackageManager): string[] {
  return manager === "npm" ? ["install", "--loglevel=error"] : ["install"];
}

/** Empty when it cannot be told. */
export function managerVersion(manager: PackageManager): string {
  try {
    return execFileSync(manager, ["--version"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 10_000,
    }).trim();
  } catch {
    return "";
  }
}
