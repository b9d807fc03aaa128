/** How long a refresh waits for what does not answer. */
import { limits } from "./limits.js";

/** Questions in a row without an answer, after which the next ones wait less. */
const IN_A_ROW = 10;

/**
 * A refresh asks as many machines as there are, some at the same time. Where none answers, it must not wait as long for each as for one: of
 * 1,000 workers, 8 at once, that would be 20 minutes.
 */
export class Patience {
  #unanswered = 0;

  /** Seconds for the next question. */
  get seconds(): number {
    return this.#unanswered < IN_A_ROW ? limits.read : limits.readNext;
  }

  answered(): void {
    this.#unanswered = 0;
  }

  unanswered(): void {
    this.#unanswered += 1;
  }
}
