import type { Log } from "../rpc/log.js";
import type { Deadline } from "./timing.js";

const REPEAT_MILLISECONDS = 5_000;

/** Shows what an operation on a machine waits for, every five seconds, with the elapsed and the allowed time. */
export class Progress {
  #text: string | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly log: Log,
    private readonly machine: string,
    private readonly deadline: Deadline,
  ) {
    this.#timer = setInterval(() => this.#show(), REPEAT_MILLISECONDS);
  }

  /** Begins another phase. */
  phase(text: string): void {
    if (text === this.#text) return;
    this.#text = text;
    this.#show();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #show(): void {
    if (this.#text === undefined) return;
    this.log.status(`${this.machine}: ${this.#text}, ${this.deadline.elapsed} s of ${this.deadline.seconds} s`);
  }
}
