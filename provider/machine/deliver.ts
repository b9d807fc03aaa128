/** Writes files to a machine's secrets directory, all or none. */
import type { Machine } from "../ssh/machine.js";
import { configurationDirectory } from "../../components/contract/paths.js";
import { completeFile } from "../../components/contract/secretFiles.js";
import { archive, type Files } from "./deliveryFiles.js";

const UNPACK_MILLISECONDS = 60_000;

/**
 * Unpacks a tar stream into a new directory and, only if it is complete, points the link `secrets` to it. A reader of the link sees
 * the old set or the new one, never a mixture; the next delivery removes what an interrupted one left. Prints `first` or `again`.
 */
const SCRIPT = `
set -euo pipefail
umask 077
cd ${configurationDirectory}
exec 9>.delivery.lock
flock -w 30 9
previous=first
[ ! -e secrets/${completeFile} ] || previous=again
new=$(mktemp -d secrets.XXXXXXXXXX)
trap 'rm -rf "$new" secrets.link' EXIT
tar -x -f - -C "$new" --no-same-owner
[ -f "$new/${completeFile}" ] || { echo "the stream ended early" >&2; exit 1; }
sync -f "$new"
ln -sfn "$new" secrets.link
mv -T secrets.link secrets
trap - EXIT
sync -f .
for old in secrets.*; do
  [ "$old" = "$new" ] || rm -rf "$old"
done
echo "$previous"
`;

/** The machine refused the files. */
class DeliveryRefused extends Error {}

/**
 * Delivers and switches.
 * @returns whether it was the machine's first delivery, or replaced one.
 * @throws {DeliveryRefused}
 */
export async function deliver(machine: Machine, files: Files): Promise<"first" | "again"> {
  const result = await machine.root({
    script: SCRIPT,
    stdin: () => archive(files),
    limitMilliseconds: UNPACK_MILLISECONDS,
  });
  const answer = result.stdout.trim();
  if (result.code === 0 && (answer === "first" || answer === "again")) return answer;
  throw new DeliveryRefused(
    `${machine.name} (${machine.address}): the files could not be written to ${configurationDirectory} (exit code ${result.code}): ${result.stderr.trim() || answer || "no message"}. ` +
      `Inspect the machine with \`${machine.login}\` (disk full? is ${configurationDirectory} there? may "${machine.login.split(" ").at(-1)?.split("@")[0]}" run \`sudo -n\`?), then run \`pulumi up\` again.`,
  );
}
