/** Work of the driver that goes on after an answer was sent: actions, one after the other for each machine. */
import type { Driver } from "./driver.js";
import type { ActionRecord, DropletRecord } from "./state.js";
import { type Store, timestamp } from "./store.js";

export interface Logger {
  info(message: string): void;
  error(message: string): void;
}

/** Actions kept; older finished ones are forgotten. */
const keptActions = 5000;

export interface ActionOf {
  readonly type: string;
  readonly resource: "droplet" | "volume" | "image" | "reserved_ip";
  readonly id: number | null;
  readonly region: string | null;
  readonly owner?: string;
}

export class Tasks {
  private readonly lines = new Map<string, Promise<void>>();

  constructor(
    private readonly store: Store,
    readonly driver: Driver,
    readonly logger: Logger,
    /** Resolves when the driver may be called: after the start's reconcile. */
    private readonly ready: Promise<void>,
  ) {}

  /** Starts an action; it is completed or errored when `work` is done. */
  start(action: ActionOf, line: string, work: () => Promise<void>): ActionRecord {
    const record: ActionRecord = {
      id: this.store.id(),
      status: "in-progress",
      type: action.type,
      started_at: timestamp(),
      completed_at: null,
      resource_id: action.id,
      resource_type: action.resource,
      region_slug: action.region,
      ...(action.owner === undefined ? {} : { owner: action.owner }),
    };
    this.remember(record);
    void this.queue(line, async () => {
      try {
        await work();
        record.status = "completed";
      } catch (error) {
        record.status = "errored";
        this.logger.error(`${action.type} of ${action.resource} ${action.id ?? action.owner ?? ""}: ${reason(error)}`);
      }
      record.completed_at = timestamp();
      this.store.changed();
      await this.store.flush();
    }).catch((error: unknown) => this.logger.error(`state file: ${reason(error)}`));
    return record;
  }

  /** As `start`, for a droplet: it is locked meanwhile, and its actions run in the order they came in. */
  onDroplet(type: string, droplet: DropletRecord, work: () => Promise<void>): ActionRecord {
    droplet.pending += 1;
    return this.start(
      { type, resource: "droplet", id: droplet.id, region: droplet.region },
      dropletLine(droplet),
      async () => {
        try {
          await work();
        } finally {
          droplet.pending -= 1;
        }
      },
    );
  }

  /** Runs `work` after all that was queued on the same line before. */
  queue(line: string, work: () => Promise<void>): Promise<void> {
    const before = this.lines.get(line) ?? this.ready;
    const mine = before.catch(() => undefined).then(work);
    this.lines.set(line, mine);
    const forget = (): void => {
      if (this.lines.get(line) === mine) this.lines.delete(line);
    };
    mine.then(forget, forget);
    return mine;
  }

  /** Whether an action is under way. */
  get busy(): boolean {
    return this.lines.size > 0;
  }

  private remember(record: ActionRecord): void {
    const { state } = this.store;
    state.actions.push(record);
    if (state.actions.length > keptActions) {
      state.actions = state.actions.filter((action, index) => index >= 500 || action.status === "in-progress");
    }
    this.store.changed();
  }
}

/** Machines are queued by host name: a new droplet waits until an old one of the same name is gone. */
export const dropletLine = (droplet: DropletRecord): string => `droplet ${droplet.hostname}`;

export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
