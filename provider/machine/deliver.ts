/** Brings files to a machine's secrets directory, all or none. */
import type { Machine } from "../ssh/machine.js";
import { archive, COMPLETE_FILE, type Files } from "./deliveryFiles.js";
import { CONFIGURATION_DIRECTORY } from "./layout.js";

const UNPACK_MILLISECONDS = 60_000;

/**
 * Reads a tar stream into a new directory and, only if all of it came, makes the link `secrets` lead there.
 * A reader of the link sees the old set or the new one, never a mixture; what an interrupted delivery left is removed
 * by the next. Prints `first` or `again`.
 */
const SCRIPT = `
set -euo pipefail
umask 077
cd ${CONFIGURATION_DIRECTORY}
exec 9>.delivery.lock
flock -w 30 9
previous=first
[ ! -e secrets/${COMPLETE_FILE} ] || previous=again
new=$(mktemp -d secrets.XXXXXXXXXX)
trap 'rm -rf "$new" secrets.link' EXIT
tar -x -f - -C "$new" --no-same-owner
[ -f "$new/${COMPLETE_FILE}" ] || { echo "the stream ended early" >&2; exit 1; }
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
export class DeliveryRefused extends Error {}

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
    `${machine.name} (${machine.address}): the secrets could not be written to ${CONFIGURATION_DIRECTORY} (exit code ${result.code}): ${result.stderr.trim() || answer || "no message"}. ` +
      `Look at the machine with \`${machine.login}\` (disk full? is ${CONFIGURATION_DIRECTORY} there? may "${machine.login.split(" ").at(-1)?.split("@")[0]}" run \`sudo -n\`?), then run \`pulumi up\` again.`,
  );
}
