/** Waits until a machine serves; fails early, with the machine's own report, if it never will. */
import { scriptPath } from "../../components/contract/paths.js";
import { servingUnits, units } from "../../components/contract/units.js";
import { lastLine } from "../operation/lastLine.js";
import { redact } from "../operation/redact.js";
import { quote, Unreachable, type Machine, type Wait } from "../ssh/machine.js";
import { pause } from "../operation/timing.js";
import { failedUnits, hasSucceeded, parseUnits, SHOW_PROPERTIES, type UnitState } from "./unitStates.js";

const POLL_MILLISECONDS = 2_000;
const HEALTH_SECONDS = 20;
const REPORT_LINES = 60;
/** A unit that is about to be restarted automatically may be "failed" for a moment. */
const POLLS_TO_BELIEVE_FAILURE = 2;

const SEPARATOR = "--corekube--";
const STATUS_SCRIPT = `
systemctl show --property=${SHOW_PROPERTIES} ${servingUnits.join(" ")}
echo ${SEPARATOR}
timeout ${HEALTH_SECONDS} ${scriptPath("health")} 2>&1
echo ${SEPARATOR}$?
`;

/** The machine will not serve, or did not in time. */
class NotHealthy extends Error {}

interface Status {
  readonly units: readonly UnitState[];
  readonly healthy: boolean;
  /** Output of the health script. */
  readonly health: string;
}

async function status(machine: Machine): Promise<Status> {
  const { stdout } = await machine.root({ script: STATUS_SCRIPT });
  const [states = "", health = "", exit = ""] = stdout.split(SEPARATOR);
  return { units: parseUnits(states), healthy: exit.trim() === "0", health: health.trim() };
}

/**
 * Waits until `ready` returns true.
 * @throws {NotHealthy} when a unit has failed permanently, or the time is up.
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

/** Waits for the machine's own health check, and for `also`. */
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
    // Until the new files are applied, health is that of the old ones.
    async (now) => now.healthy && hasSucceeded(now.units, units.activate) && (await also.ready()),
    (now) =>
      now.healthy && hasSucceeded(now.units, units.activate)
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
    (now) => hasSucceeded(now.units, units.install),
    () => `waiting for ${units.install}`,
  );
}

/** Restarts units that failed in an earlier run. */
export async function restartFailed(machine: Machine): Promise<void> {
  const failed = failedUnits((await status(machine)).units).map((unit) => quote(unit.name));
  if (failed.length === 0) return;
  await machine.root({
    script: `systemctl reset-failed ${failed.join(" ")}; systemctl restart --no-block ${failed.join(" ")}`,
  });
}

/** Makes the machine apply what was delivered. */
export async function reactivate(machine: Machine): Promise<void> {
  // Without waiting: the gate watches the unit and reports its progress.
  await machine.root({
    script: `systemctl reset-failed ${units.activate} 2>/dev/null; systemctl restart --no-block ${units.activate}`,
  });
}

function startingUnit(units: readonly UnitState[]): string | undefined {
  return units.find((unit) => unit.active === "activating" || unit.queued)?.name;
}

/** The machine's report, without secrets. The deadline may have passed: the report is worth some more seconds. */
async function explain(
  machine: Machine,
  what: string,
  secrets: readonly string[],
  unit: string | undefined,
): Promise<string> {
  let report: string;
  try {
    const { stdout, stderr } = await machine.root({
      script: `timeout ${HEALTH_SECONDS} ${scriptPath("report")} 2>&1 | tail -n ${REPORT_LINES}`,
    });
    report = redact(stdout.trim() || stderr.trim(), secrets);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    report = "";
  }
  const indented = report === "" ? "  (no report from the machine)" : report.replace(/^/gm, "  ");
  const command = unit === undefined ? "systemctl --failed" : `journalctl -u ${unit}`;
  return (
    `${machine.name} (${machine.address}): ${what}.\n${indented}\n` +
    `Fix the cause (details: \`${machine.login} sudo ${command}\`) and run \`pulumi up\` again; it restarts the failed units and resumes here.`
  );
}
