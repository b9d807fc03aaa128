/** The states of a machine's systemd units, as `systemctl show` prints them. */

export interface UnitState {
  readonly name: string;
  readonly active: string;
  readonly result: string;
  /** A one-shot that has run and exited, whatever its state now. */
  readonly ended: boolean;
  /** systemd is about to start or restart it, or is doing so. */
  readonly queued: boolean;
  /** It has failed and waits for its next attempt. */
  readonly waiting: boolean;
  /** Attempts after the first one. */
  readonly restarts: number;
}

export const SHOW_PROPERTIES = "Id,LoadState,ActiveState,SubState,Result,Job,NRestarts,ExecMainExitTimestampMonotonic";

/** A step of the boot repeats itself until it succeeds. After so many further attempts it is not just late. */
const ATTEMPTS = 3;

/** Reads the blocks that `systemctl show --property=...` prints; units that the machine does not have are omitted. */
export function parseUnits(text: string): UnitState[] {
  return text
    .split(/\n\s*\n/)
    .map(
      (block) =>
        new Map(
          block
            .split("\n")
            .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const),
        ),
    )
    .filter((block) => block.get("LoadState") === "loaded")
    .map((block) => ({
      name: block.get("Id") ?? "",
      active: block.get("ActiveState") ?? "",
      result: block.get("Result") ?? "",
      ended: Number(block.get("ExecMainExitTimestampMonotonic") ?? 0) > 0,
      queued: Number(block.get("Job") ?? 0) > 0,
      waiting: block.get("SubState") === "auto-restart",
      restarts: Number(block.get("NRestarts") ?? 0),
    }));
}

/**
 * Failed, so that waiting for it is in vain. A unit that systemd restarts by itself is "activating", or has a job: that is a service, which
 * may wait for others, or a step of the boot, which counts as failed after some attempts although it goes on.
 */
export function failedUnits(units: readonly UnitState[]): UnitState[] {
  return units.filter(
    ({ name, active, queued, waiting, restarts }) =>
      (active === "failed" && !queued) || (name.startsWith("corekube-") && waiting && restarts >= ATTEMPTS),
  );
}

/** Whether a unit has finished successfully. True for a unit that the machine does not have. */
export function hasSucceeded(units: readonly UnitState[], name: string): boolean {
  const unit = units.find((candidate) => candidate.name === name);
  if (unit === undefined) return true;
  if (unit.queued) return false;
  if (unit.active === "active") return true;
  return unit.active === "inactive" && unit.ended && unit.result === "success";
}
