/**
 * Names of a region on this host, where the engine, kubectl and the tests run: lines of /etc/hosts, each marked with its region.
 *
 * glibc, Go and Node read the file again when they look up a name, so that a change is seen at once. Without it, they would have to
 * ask the region's name server for all names, those of this host's own network included.
 */
import { readFileSync } from "node:fs";
import type { LabConfig } from "../config.js";
import { run } from "../process/run.js";
import type { NameSpec } from "./spec.js";

/** Regions change the file one after the other, since each keeps the lines of all others. */
const lock = "/run/corekube-hosts.lock";

/** The file is replaced as a whole, unless it is a mount of its own, as in containers. */
const script = `umask 022
new=$1.corekube
trap 'rm -f "$new"' EXIT
cp -p "$1" "$new"
{ grep -v " # $2\\$" "$1" || true; cat; } > "$new"
mv "$new" "$1" 2> /dev/null || cat "$new" > "$1"`;

/** Makes the region's lines equal to the given names; other lines stay. `file` is for tests. */
export async function setHostNames(
  config: Pick<LabConfig, "namespace">,
  names: readonly NameSpec[],
  file = "/etc/hosts",
): Promise<void> {
  const mark = config.namespace;
  const present = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.endsWith(` # ${mark}`));
  const wanted = hostLines(names).map((line) => `${line} # ${mark}`);
  if (present.join("\n") === wanted.join("\n")) return;
  const input = wanted.map((line) => `${line}\n`).join("");
  await run(["flock", lock, "sh", "-ec", script, "sh", file, mark], { input });
}

/** Lines as /etc/hosts has them. */
export const hostLines = (names: readonly NameSpec[]): string[] =>
  names.flatMap(({ name, addresses }) => addresses.map((address) => `${address} ${name}`));
