/**
 * Changes to machines that must not be down together, one at a time.
 *
 * At creation they must start together (an etcd cluster has no quorum until most members run), so that a chain of
 * `dependsOn`, which holds for creation too, would wait for ever. This order holds for later changes only.
 */
import { pause } from "../timing.js";
import type { Operation } from "./kind.js";

/** The engine starts independent updates together; in this time all of them have asked for their turn. */
const GATHER_MILLISECONDS = 1_500;

interface Waiting {
  readonly machine: string;
  /** Goes first: it may be down since an earlier run, and another one down may be one too many. */
  readonly unfinished: boolean;
  readonly go: () => void;
}

interface Line {
  readonly waiting: Waiting[];
  busy: boolean;
  /** The machine whose change failed in this run. */
  failed?: string;
}

export class Turns {
  readonly #lines = new Map<string, Line>();

  constructor(private readonly gatherMilliseconds = GATHER_MILLISECONDS) {}

  /** Does `work` alone in its line. Once one has failed, the others of this run are left as they are. */
  async take<Result>(
    name: string,
    machine: string,
    unfinished: boolean,
    operation: Operation,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const line = this.#lines.get(name) ?? { waiting: [], busy: false };
    this.#lines.set(name, line);
    operation.log.status(`${machine}: waiting for its turn`);
    const turn = new Promise<void>((go) => line.waiting.push({ machine, unfinished, go }));
    // Also when interrupted, so that nobody waits for a turn that is never taken.
    await pause(this.gatherMilliseconds, operation.signal).catch(() => undefined);
    this.#next(line);
    await turn;
    try {
      operation.signal.throwIfAborted();
      if (line.failed !== undefined) {
        throw new Error(
          `${machine}: left as it is, because the change of ${line.failed} failed before its turn came. Mend that one, then run \`pulumi up\` again.`,
        );
      }
      return await work();
    } catch (error) {
      line.failed ??= machine;
      throw error;
    } finally {
      line.busy = false;
      this.#next(line);
    }
  }

  #next(line: Line): void {
    if (line.busy) return;
    const unfinished = line.waiting.findIndex((candidate) => candidate.unfinished);
    const [next] = line.waiting.splice(Math.max(unfinished, 0), 1);
    if (next === undefined) return;
    line.busy = true;
    next.go();
  }
}

/** One for the whole process: the engine runs one provider process for a stack. */
export const turns = new Turns();
