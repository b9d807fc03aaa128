/** Which machines a run changes, and when: from the engine's events. */
import type { EngineEvent, StepMetadata } from "../../../engine/events.js";
import { nameOf } from "./scale.js";

export interface Turn {
  readonly machine: string;
  /** Seconds since the run began. */
  readonly from: number;
  readonly to: number;
}

/** Pass `event` to the run. */
export class Turns {
  readonly #began = Date.now();
  readonly #open = new Map<string, number>();
  readonly #turns: Turn[] = [];

  readonly event = ({ resourcePreEvent, resOutputsEvent, resOpFailedEvent }: EngineEvent): void => {
    const [began, ended] = [
      machineOf(resourcePreEvent?.metadata),
      machineOf((resOutputsEvent ?? resOpFailedEvent)?.metadata),
    ];
    if (began !== undefined) this.#open.set(began, this.#now());
    const from = ended === undefined ? undefined : this.#open.get(ended);
    if (ended === undefined || from === undefined) return;
    this.#open.delete(ended);
    this.#turns.push({ machine: ended, from, to: this.#now() });
  };

  /** In the order of their ends. */
  all(): readonly Turn[] {
    return this.#turns;
  }

  /** Names of the machines in the order of their ends. */
  machines(): readonly string[] {
    return this.#turns.map(({ machine }) => machine);
  }

  /** Most machines of a role that were changed at the same time. */
  most(role: string): number {
    const turns = this.#turns.filter(({ machine }) => machine.includes(`-${role}-`));
    return Math.max(
      0,
      ...turns.map(({ from }) => turns.filter((other) => other.from <= from && from < other.to).length),
    );
  }

  /** One line for each machine. */
  text(): string {
    return this.#turns
      .map(
        ({ machine, from, to }) => `${machine}: ${from.toFixed(0)} to ${to.toFixed(0)} s, ${(to - from).toFixed(0)} s`,
      )
      .join("\n");
  }

  #now(): number {
    return (Date.now() - this.#began) / 1000;
  }
}

/** Undefined: nothing of a machine is changed. */
function machineOf(step: StepMetadata | undefined): string | undefined {
  return step?.op === "update" && /:machine:(Delivery|Join)$/.test(step.type) ? nameOf(step.urn) : undefined;
}
