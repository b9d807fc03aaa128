/** Waits until a machine serves; fails early, with the machine's own words, when it never will. */
import { redact } from "../operation/redact.js";
import { quote, Unreachable, type Machine, type Wait } from "../ssh/machine.js";
import { pause } from "../operation/timing.js";
import { ACTIVATE_UNIT, INSTALL_UNIT, SCRIPT_DIRECTORY, UNITS } from "./layout.js";
import { failedUnits, hasSucceeded, parseUnits, SHOW_PROPERTIES, type UnitState } from "./unitStates.js";

const POLL_MILLISECONDS = 2_000;
const HEALTH_SECONDS = 20;
const REPORT_LINES = 60;
/** A unit on its way to an automatic restart may pass through "failed". */
const POLLS_TO_BELIEVE_FAILURE = 2;

const SEPARATOR = "--corekube--";
const STATUS_SCRIPT = `
systemctl show --property=${SHOW_PROPERTIES} ${UNITS.join(" ")}
echo ${SEPARATOR}
timeout ${HEALTH_SECONDS} ${SCRIPT_DIRECTORY}/health 2>&1
echo ${SEPARATOR}$?
`;

/** The machine will not serve, or did not within the time given. */
export class NotHealthy extends Error {}

interface Status {
  readonly units: readonly UnitState[];
  readonly healthy: boolean;
  /** What the health script said. */
  readonly health: string;
}

async function status(machine: Machine): Promise<Status> {
  const { stdout } = await machine.root({ script: STATUS_SCRIPT });
  const [units = "", health = "", exit = ""] = stdout.split(SEPARATOR);
  return { units: parseUnits(units), healthy: exit.trim() === "0", health: health.trim() };
}

/**
 * Waits until `ready` says yes.
 * @throws {NotHealthy} when a unit has failed for good, or the time is over.
 */
async function waitUntil(
  machine: Machine,
  wait: Wait,
  secrets: readonly string[],
  ready: (status: Status) => boolean | Promise<boolean>,
  waitingFor: (status: Status) => string,
): Promise<void> {
  let failing = 0;
  for (;;) {
    const now = await status(machine);
    if (await ready(now)) return;
    const failed = failedUnits(now.units);
    failing = failed.length > 0 ? failing + 1 : 0;
    if (failing >= POLLS_TO_BELIEVE_FAILURE) {
      const names = failed.map((unit) => `${unit.name} failed (${unit.result})`).join(", ");
      throw new NotHealthy(await explain(machine, names, secrets, failed[0]?.name));
    }
    if (wait.deadline.left < 1) {
      const summary = `not ready within ${wait.deadline.seconds} s, still ${waitingFor(now)}`;
      throw new NotHealthy(await explain(machine, summary, secrets, startingUnit(now.units)));
    }
    wait.progress.phase(waitingFor(now));
    await pause(POLL_MILLISECONDS, wait.signal, wait.deadline);
  }
}

/** Waits for the machine's own health check, and for `also` where health is not all. */
export async function waitHealthy(
  machine: Machine,
  wait: Wait,
  secrets: readonly string[],
  also: { ready(): Promise<boolean>; waitingFor(): string } = {
    ready: () => Promise.resolve(true),
    waitingFor: () => "",
  },
): Promise<void> {
  await waitUntil(
    machine,
    wait,
    secrets,
    // Until the new secrets are applied, health is that of the old ones.
    async (now) => now.healthy && hasSucceeded(now.units, ACTIVATE_UNIT) && (await also.ready()),
    (now) =>
      now.healthy && hasSucceeded(now.units, ACTIVATE_UNIT)
        ? also.waitingFor()
        : `waiting for ${startingUnit(now.units) ?? `health${now.health === "" ? "" : `: ${lastLine(now.health)}`}`}`,
  );
}

/** Waits until the machine has its release files. */
export async function waitInstalled(machine: Machine, wait: Wait): Promise<void> {
  await waitUntil(
    machine,
    wait,
    [],
    ({ units }) => hasSucceeded(units, INSTALL_UNIT),
    () => `waiting for ${INSTALL_UNIT}`,
  );
}

/** Gives units that failed in an earlier run another chance. */
export async function restartFailed(machine: Machine): Promise<void> {
  const failed = failedUnits((await status(machine)).units).map((unit) => quote(unit.name));
  if (failed.length === 0) return;
  await machine.root({
    script: `systemctl reset-failed ${failed.join(" ")}; systemctl restart --no-block ${failed.join(" ")}`,
  });
}

/** Makes the machine apply what was delivered. */
export async function reactivate(machine: Machine): Promise<void> {
  // Without waiting: the gate watches the unit, and tells what is going on.
  await machine.root({
    script: `systemctl reset-failed ${ACTIVATE_UNIT} 2>/dev/null; systemctl restart --no-block ${ACTIVATE_UNIT}`,
  });
}

function startingUnit(units: readonly UnitState[]): string | undefined {
  return units.find((unit) => unit.active === "activating" || unit.queued)?.name;
}

/** The machine's report, without what it must not show. It may be past the deadline: the report is worth some seconds more. */
async function explain(
  machine: Machine,
  what: string,
  secrets: readonly string[],
  unit: string | undefined,
): Promise<string> {
  let report: string;
  try {
    const { stdout, stderr } = await machine.root({
      script: `timeout ${HEALTH_SECONDS} ${SCRIPT_DIRECTORY}/report 2>&1 | tail -n ${REPORT_LINES}`,
    });
    report = redact(`${stdout}${stderr}`.trim(), secrets);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    report = "";
  }
  const indented = report === "" ? "  (the machine gave no report)" : report.replace(/^/gm, "  ");
  const command = unit === undefined ? "systemctl --failed" : `journalctl -u ${unit}`;
  return (
    `${machine.name} (${machine.address}): ${what}.\n${indented}\n` +
    `Mend the cause (more: \`${machine.login} sudo ${command}\`), then run \`pulumi up\` again: it goes on from here, the failed units are started again.`
  );
}

function lastLine(text: string): string {
  return text.split("\n").at(-1)?.trim() ?? "";
}
