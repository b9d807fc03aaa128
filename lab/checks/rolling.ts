/** What a rolling replacement looks like from the cloud: which machine was away, from when until when. */
import type { LabConfig } from "../config.js";
import { labCloud } from "../commands/cloud.js";
import { sleep } from "../commands/process.js";

export interface Absence {
  readonly machine: string;
  /** Milliseconds since the epoch: the cloud had no such machine any more; it had a new one. */
  readonly gone: number;
  readonly back?: number;
}

const POLL_MILLISECONDS = 500;

/** Looks at the cloud's machines all the time. */
export class MachineWatch {
  readonly #absences: { machine: string; gone: number; back?: number }[] = [];
  readonly #ids = new Map<string, string>();
  #most = 0;
  #stopping = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(private readonly config: LabConfig) {}

  /** Begins; the machines that there are now are the ones that are watched. */
  async start(): Promise<void> {
    for (const { id, name } of await labCloud(this.config).list("machines")) this.#ids.set(name, id);
    this.#loop = this.#watch();
  }

  /** Ends; says which machines were away, in order. */
  async stop(): Promise<readonly Absence[]> {
    this.#stopping = true;
    await this.#loop;
    return this.#absences;
  }

  /** The most machines that were away together. */
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

/** One line for each machine: seconds since `from` at which it went and came back. */
export function timelineOf(absences: readonly Absence[], from: number): string {
  const seconds = (at: number | undefined): string =>
    at === undefined ? "never" : `${((at - from) / 1000).toFixed(1)} s`;
  return absences
    .map(({ machine, gone, back }) => `${machine}: gone at ${seconds(gone)}, made again at ${seconds(back)}`)
    .join("\n");
}
