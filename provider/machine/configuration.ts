/** Brings a machine's configuration to it, and finds out which one it runs. */
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import type { Configuration } from "../../components/contract/configurations.js";
import {
  applyPath,
  changePhase,
  changeRecord,
  changeResult,
  configurationsDirectory,
  currentConfiguration,
  unitDirectory,
} from "../../components/contract/paths.js";
import { units } from "../../components/contract/units.js";
import { applyScript, applyUnit } from "./applyScript.js";
import { pause } from "../operation/timing.js";
import type { Machine, Wait } from "../ssh/machine.js";

const UNPACK_MILLISECONDS = 60_000;
const POLL_MILLISECONDS = 2_000;

/** The machine refused the configuration, or has gone back to the one before. */
class ConfigurationRefused extends Error {}

/** Digest of the configuration that a machine runs; empty if it was changed by hand. */
export async function readConfiguration(machine: Machine): Promise<string> {
  const { stdout } = await machine.root({ script: `set -- verify\n${applyScript}` });
  return stdout.trim();
}

/**
 * Unpacks a tar stream beside the current configuration and asks for the change, which the machine carries out on its own: it does not
 * depend on this connection, and goes on after a reboot. Prints the name of the new directory.
 */
const begin = (digest: string): string => `
set -euo pipefail
umask 022
mkdir -p ${configurationsDirectory}
cd ${configurationsDirectory}
# The connection may have broken after the change had begun.
if [ -e ${changeRecord} ]; then
  read -r _ to _ <${changeRecord}
  [ "\${to%%.*}" = ${digest} ] || { echo "another change is under way, to $to" >&2; exit 1; }
  cat >/dev/null
  echo "$to"
  exit 0
fi
rm -rf .new.*
new=$(mktemp -d .new.XXXXXX)
trap 'rm -rf "$new"' EXIT
tar -x -f - -C "$new" --no-same-owner --same-permissions
[ -f "$new/complete" ] || { echo "the stream ended early" >&2; exit 1; }
to=$(mktemp -d ${digest}.XXXXXX)
chmod 0755 "$to"
mv -T "$new/configuration" "$to"
mv "$new/apply" ${applyPath}
if ! cmp -s "$new/unit" ${unitDirectory}/${units.change}; then
  mv "$new/unit" ${unitDirectory}/${units.change}
  systemctl daemon-reload
  systemctl enable --quiet ${units.change}
fi
sync -f .
echo "$(basename "$(readlink ${currentConfiguration})") $to unknown" >${changeRecord}.new
mv ${changeRecord}.new ${changeRecord}
sync -f ${changeRecord}
systemctl start --no-block ${units.change}
echo "$to"
`;

const POLL = `if [ -e ${changeRecord} ]; then echo "running $(cat ${changePhase} 2>/dev/null)"; else cat ${changeResult} 2>/dev/null; fi`;
const RESUME = `[ ! -e ${changeRecord} ] || systemctl start --no-block ${units.change}`;

/**
 * Makes the machine run the configuration, which it does not yet. One that served before and does not with this one goes back by itself.
 * @throws {ConfigurationRefused}
 */
export async function applyConfiguration(machine: Machine, wait: Wait, configuration: Configuration): Promise<void> {
  wait.progress.phase("finishing an earlier change of its configuration");
  await machine.root({ script: RESUME });
  await finished(machine, wait);
  wait.progress.phase("delivering its configuration");
  const { code, stdout, stderr } = await machine.root({
    script: begin(configuration.digest),
    stdin: () => archive(configuration),
    limitMilliseconds: UNPACK_MILLISECONDS,
  });
  if (code !== 0)
    throw new ConfigurationRefused(
      `${machine.name} (${machine.address}): its configuration could not be written to ${configurationsDirectory} (exit code ${code}): ${stderr.trim() || stdout.trim() || "no message"}. ` +
        `Nothing of it was changed. Inspect the machine with \`${machine.login}\` (disk full?), then run \`pulumi up\` again.`,
    );
  const name = stdout.trim();
  const [applied, ...verdict] = (await finished(machine, wait)).split(" ");
  if (applied === name && verdict[0]?.startsWith("ok")) return;
  throw new ConfigurationRefused(
    `${machine.name} (${machine.address}): ${applied === name ? verdict.join(" ").replace(/^failed: /, "") : "its configuration was changed by somebody else meanwhile"}. ` +
      `It runs with the configuration before. What happened: \`${machine.login} sudo journalctl -u ${units.change}\`. Fix the cause and run \`pulumi up\` again, or take the change back.`,
  );
}

/** Waits until no change is under way. What came of the last one; empty if there was none. */
async function finished(machine: Machine, wait: Wait): Promise<string> {
  for (;;) {
    const { stdout } = await machine.root({ script: POLL });
    const answer = stdout.trim();
    if (!answer.startsWith("running")) return answer;
    const phase = answer.slice("running".length).trim();
    if (wait.deadline.left < 1)
      throw new ConfigurationRefused(
        `${machine.name} (${machine.address}): the change of its configuration has not ended within ${wait.deadline.seconds} s: ${phase}. ` +
          `It goes on without this run: \`${machine.login} sudo journalctl -f -u ${units.change}\`; then run \`pulumi up\` again.`,
      );
    wait.progress.phase(`changing its configuration: ${phase}`);
    await pause(POLL_MILLISECONDS, wait.signal, wait.deadline);
  }
}

/** The configuration's files and links, and what applies them. */
function archive({ files, links }: Configuration): Readable {
  const stream = pack();
  const owner = { uid: 0, gid: 0 };
  stream.entry({ name: "apply", mode: 0o755, ...owner }, applyScript);
  stream.entry({ name: "unit", mode: 0o644, ...owner }, applyUnit);
  for (const [path, { mode, contents }] of Object.entries(files))
    stream.entry({ name: `configuration${path}`, mode: Number.parseInt(mode, 8), ...owner }, contents);
  for (const [path, target] of Object.entries(links))
    stream.entry({ name: `configuration${path}`, type: "symlink", linkname: target, ...owner });
  stream.entry({ name: "complete", mode: 0o644, ...owner }, "");
  stream.finalize();
  // tar-stream has a stream type of its own.
  return Readable.from(stream);
}
