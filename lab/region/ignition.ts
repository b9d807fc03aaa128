/** User-data before the first boot: Ignition itself applies it to the machine's root. */
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { tryRun } from "../process/run.js";
import { inNamespace } from "./run.js";

export type UserData = "none" | "ignition" | "other";

/** What a Flatcar machine would take the user-data for. */
export function userDataKind(userData: string): UserData {
  const text = userData.trim();
  if (text === "") return "none";
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "ignition" in value) return "ignition";
  } catch {
    // No JSON.
  }
  return "other";
}

export interface IgnitionInput {
  /** The tool, `ignition` under its name `ignition-apply`. */
  readonly tool: string;
  /** Machine's namespace: what the config refers to is fetched through the machine's network. */
  readonly namespace: string;
  readonly root: string;
  /** Bound at /usr, read-only as in the machine: a config that writes there fails here too. */
  readonly usr: string;
  /** Folder for the config file. */
  readonly directory: string;
  readonly userData: string;
}

/** Applies a config. Resolves with what Ignition said, and whether it succeeded. */
export async function applyIgnition(input: IgnitionInput): Promise<{ readonly ok: boolean; readonly log: string }> {
  const file = join(input.directory, "config.ign");
  writeFileSync(file, input.userData, { mode: 0o600 });
  mkdirSync(join(input.root, "usr"), { recursive: true });
  // In a mount namespace of its own: users are made by programs that look into the machine's /usr.
  const script =
    'mount --bind "$1" "$2/usr" && mount -o remount,bind,ro "$2/usr" && exec "$3" --root "$2" --ignore-unsupported "$4"';
  const result = await tryRun(
    inNamespace(input.namespace, [
      ...["unshare", "--mount", "--propagation", "private", "--"],
      ...["sh", "-c", script, "ignition", input.usr, input.root, input.tool, file],
    ]),
    { timeout: 180_000, env: { ...process.env, container: "systemd-nspawn" } },
  );
  if (result.code === 0) writeAuthorizedKeys(input.root, input.userData);
  return { ok: result.code === 0, log: `${result.stdout}${result.stderr}`.trim() };
}

interface Config {
  readonly ignition?: {
    readonly config?: { readonly replace?: { readonly source?: string; readonly compression?: string } };
  };
  readonly passwd?: {
    readonly users?: readonly { readonly name: string; readonly sshAuthorizedKeys?: readonly string[] }[];
  };
}

/** The config that replaces the given one, if that says so in place. */
function effectiveConfig(text: string): Config {
  const config = JSON.parse(text) as Config;
  const { source = "", compression } = config.ignition?.config?.replace ?? {};
  const packed = /^data:[^,]*;base64,(.*)$/s.exec(source)?.[1];
  if (packed === undefined) return config;
  const bytes = Buffer.from(packed, "base64");
  return effectiveConfig((compression === "gzip" ? gunzipSync(bytes) : bytes).toString("utf8"));
}

/**
 * The keys that a config names for users which the machine has, where Ignition writes them at a first boot. `ignition-apply` leaves out
 * the whole section of users and groups ("cannot apply passwd live").
 */
function writeAuthorizedKeys(root: string, userData: string): void {
  const { passwd } = effectiveConfig(userData);
  const known = readFileSync(join(root, "etc/passwd"), "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  for (const { name, sshAuthorizedKeys = [] } of passwd?.users ?? []) {
    const [, , uid, gid, , home] = known.find((fields) => fields[0] === name) ?? [];
    if (sshAuthorizedKeys.length === 0 || home === undefined) continue;
    const folders = [".ssh", ".ssh/authorized_keys.d"].map((path) => join(root, home, path));
    const file = join(folders[1]!, "ignition");
    for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${sshAuthorizedKeys.join("\n")}\n`, { mode: 0o600 });
    for (const path of [...folders, file]) chownSync(path, Number(uid), Number(gid));
  }
}

/** Why a machine whose Ignition failed does not boot, for its console. */
export function ignitionFailure(log: string): string {
  return [
    log,
    "",
    "Ignition failed: the machine stays in emergency mode, as a cloud's machine would. Correct the user-data and replace the machine.",
    "",
  ].join("\n");
}
