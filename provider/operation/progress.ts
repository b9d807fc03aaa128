import type { Log } from "../rpc/log.js";
import type { Deadline } from "./timing.js";

const REPEAT_MILLISECONDS = 5_000;

/** Shows what an operation on a machine waits for, every five seconds, with the elapsed time, and the allowed one where it counts. */
export class Progress {
  #text: string | undefined;
  #limited = true;
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly log: Log,
    private readonly machine: string,
    private readonly deadline: Deadline,
  ) {
    this.#timer = setInterval(() => this.#show(), REPEAT_MILLISECONDS);
  }

  /**
   * Begins another phase.
   * @param limited False: the operation's deadline does not end it.
   */
  phase(text: string, limited = true): void {
    if (text === this.#text) return;
    this.#text = text;
    this.#limited = limited;
    this.#show();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #show(): void {
    if (this.#text === undefined) return;
    const limit = this.#limited ? ` of ${this.deadline.seconds} s` : "";
    this.log.status(`${this.machine}: ${this.#text}, ${this.deadline.elapsed} s${limit}`);
  }
}
