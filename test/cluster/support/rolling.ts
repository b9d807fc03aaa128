/** A rolling replacement as seen in the cloud: which machine was absent, and when. */
import type { LabConfig } from "../../../lab/config.js";
import { labCloud } from "../../../lab/cluster/cloud.js";
import { setTimeout as sleep } from "node:timers/promises";

export interface Absence {
  readonly machine: string;
  /** Milliseconds since the epoch at which the machine was removed, and at which its successor existed. */
  readonly gone: number;
  readonly back?: number;
}

const POLL_MILLISECONDS = 500;

/** Polls the cloud's machines. */
export class MachineWatch {
  readonly #absences: { machine: string; gone: number; back?: number }[] = [];
  readonly #ids = new Map<string, string>();
  #most = 0;
  #stopping = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(private readonly config: LabConfig) {}

  /** Starts watching the machines that exist now. */
  async start(): Promise<void> {
    for (const { id, name } of await labCloud(this.config).list("machines")) this.#ids.set(name, id);
    this.#loop = this.#watch();
  }

  /** Stops, and returns the absences in order. */
  async stop(): Promise<readonly Absence[]> {
    this.#stopping = true;
    await this.#loop;
    return this.#absences;
  }

  /** Highest number of machines that were absent at the same time. */
  get mostAway(): number {
    return this.#most;
  }

  async #watch(): Promise<void> {
    const cloud = labCloud(this.config);
    while (!this.#stopping) {
      const now = new Map((await cloud.list("machines")).map(({ id, name }) => [name, id]));
      for (const [name, id] of this.#ids) {
        const open = this.#absences.find((absence) => absence.machine === name && absence.back === undefined);
        const found = now.get(name);
        if (found !== id && open === undefined) this.#absences.push({ machine: name, gone: Date.now() });
        if (found !== undefined && found !== id) {
          this.#ids.set(name, found);
          const absence = this.#absences.find((each) => each.machine === name && each.back === undefined);
          if (absence) absence.back = Date.now();
        }
      }
      this.#most = Math.max(this.#most, this.#absences.filter(({ back }) => back === undefined).length);
      await sleep(POLL_MILLISECONDS);
    }
  }
}

/** One line for each absence, in seconds since `from`. */
export function timelineOf(absences: readonly Absence[], from: number): string {
  const seconds = (at: number | undefined): string =>
    at === undefined ? "never" : `${((at - from) / 1000).toFixed(1)} s`;
  return absences
    .map(({ machine, gone, back }) => `${machine}: gone at ${seconds(gone)}, replaced at ${seconds(back)}`)
    .join("\n");
}
