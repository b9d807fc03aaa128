/** Pulumi's plugins for the lab's engine: the official ones that are installed on this machine, stand-ins for the others. */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { dependencies } from "../../package.json";
import { toolchain } from "../../components/spec/versions.js";
import { projectDirectory } from "../config.js";
import { linkAtomically } from "../process/files.js";

const resources = ["aws", "digitalocean", "kubernetes", "tls"] as const;

/** Folder of an installed plugin, as the engine names it, and the plugin's program. */
const standIns: readonly { readonly folder: string; readonly program: string }[] = [
  { folder: `language-nodejs-v${toolchain.pulumi}`, program: "pulumi-language-nodejs" },
  ...resources.map((name) => ({
    folder: `resource-${name}-v${dependencies[`@pulumi/${name}`]}`,
    program: `pulumi-resource-${name}`,
  })),
];

/**
 * Makes `home/plugins`. Installed plugins, unlike those on the PATH, are used without a warning in every run. An official plugin
 * wins over its stand-in.
 * @param home The engine's home in the lab.
 * @param official Where official plugins may be installed: another home of the engine.
 */
export function installPlugins(home: string, official: string): void {
  const found = official === home ? [] : installed(join(official, "plugins"));
  for (const { folder, program } of standIns) {
    const kind = folder.replace(/-v[^-]*$/, "");
    const plugins = found.filter((name) => name.replace(/-v[^-]*$/, "") === kind);
    for (const name of plugins) link(join(official, "plugins", name, program), join(home, "plugins", name), program);
    const file = join(projectDirectory, "lab", "standins", program);
    if (plugins.length === 0) link(file, join(home, "plugins", folder), program);
    else if (!plugins.includes(folder)) rmSync(join(home, "plugins", folder), { recursive: true, force: true });
  }
}

function installed(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function link(target: string, folder: string, name: string): void {
  mkdirSync(folder, { recursive: true });
  linkAtomically(target, join(folder, name));
}
