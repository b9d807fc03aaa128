/** Actions: changes of records that the region follows. An action is in progress until the region has done what it asks for. */
import { type Logger, type Pass, type Synchroniser, line, reason } from "../../region/synchroniser.js";
import type { ActionRecord, DropletRecord, VolumeRecord } from "./state.js";
import { type Store, timestamp } from "./store.js";

/** Actions kept; older finished ones are forgotten. */
const keptActions = 5000;

type Subject = Pick<ActionRecord, "resource_id" | "resource_type" | "region_slug" | "volume">;

export class Tasks {
  private underWay = 0;

  constructor(
    private readonly store: Store,
    private readonly region: Synchroniser,
    private readonly logger: Logger,
  ) {}

  /** Whether an action is under way. */
  get busy(): boolean {
    return this.underWay > 0;
  }

  /** The droplet's record has changed: locks it until its machine, and the volumes attached to it, are as it says. */
  droplet(type: string, droplet: DropletRecord): ActionRecord {
    droplet.pending += 1;
    return this.start(type, { resource_id: droplet.id, resource_type: "droplet", region_slug: droplet.region });
  }

  /** As `droplet`, for a volume; `undo` takes the change back when the region cannot make it. */
  volume(type: string, volume: VolumeRecord, undo: () => void, droplet?: DropletRecord): ActionRecord {
    volume.busy = true;
    if (droplet) droplet.pending += 1;
    const unlock = (ok: boolean): void => {
      if (droplet) droplet.pending -= 1;
      if (!ok) undo();
    };
    const subject = { resource_id: null, resource_type: "volume", region_slug: volume.region, volume: volume.id };
    return this.start(type, subject, unlock);
  }

  /** After a restart: the actions that were under way end when the region has caught up. */
  resume(): void {
    const { state } = this.store;
    const open = state.actions.filter((action) => action.status === "in-progress");
    for (const droplet of state.droplets)
      droplet.pending = open.filter(({ resource_id }) => resource_id === droplet.id).length;
    for (const volume of state.volumes) volume.busy = open.some((action) => action.volume === volume.id);
    for (const image of state.images) image.status = "available";
    for (const action of open) this.follow(action);
  }

  /**
   * Waits for the region.
   * @param lines Of the synchroniser.
   * @throws Error of the driver.
   */
  async applied(...lines: readonly string[]): Promise<void> {
    const pass: Pass = await this.region.changed();
    await Promise.all(lines.map((name) => pass.of(name)));
  }

  private start(type: string, subject: Subject, after?: (ok: boolean) => void): ActionRecord {
    const { store } = this;
    const action: ActionRecord = {
      id: store.id(),
      status: "in-progress",
      type,
      started_at: timestamp(),
      completed_at: null,
      ...subject,
    };
    store.state.actions.push(action);
    if (store.state.actions.length > keptActions) {
      const kept = store.state.actions.filter((one, index) => index >= 500 || one.status === "in-progress");
      store.state.actions = kept;
    }
    store.changed();
    this.follow(action, after);
    return action;
  }

  private follow(action: ActionRecord, after?: (ok: boolean) => void): void {
    this.underWay += 1;
    const { droplet, volume } = this.subjectOf(action);
    const volumes = this.store.state.volumes.filter(({ dropletId }) => droplet && dropletId === droplet.id);
    const lines = [
      ...(droplet ? [line.machine(droplet.id), ...volumes.map(({ id }) => line.volume(id))] : []),
      ...(volume ? [line.volume(volume.id)] : []),
    ];
    const end = async (ok: boolean): Promise<void> => {
      action.status = ok ? "completed" : "errored";
      action.completed_at = timestamp();
      if (droplet) this.settle(droplet, ok);
      if (volume) volume.busy = false;
      after?.(ok);
      this.store.changed();
      await Promise.all([this.applied(), this.store.flush()]);
    };
    this.applied(...lines)
      .then(
        () => end(true),
        () => end(false),
      )
      .catch((error: unknown) => this.logger.error(`state: ${reason(error)}`))
      .finally(() => (this.underWay -= 1));
  }

  private subjectOf(action: ActionRecord): { droplet?: DropletRecord | undefined; volume?: VolumeRecord | undefined } {
    const { state } = this.store;
    return action.resource_type === "droplet"
      ? { droplet: state.droplets.find(({ id }) => id === action.resource_id) }
      : { volume: state.volumes.find(({ id }) => id === action.volume) };
  }

  /** What a droplet is once the region has followed its record, or could not. */
  private settle(droplet: DropletRecord, ok: boolean): void {
    droplet.pending -= 1;
    if (droplet.deleting) {
      // A deletion waits for the actions before it.
      if (droplet.pending > 0) return;
      if (ok) return this.store.forgetDroplet(droplet.id);
      droplet.deleting = false;
    }
    if (ok) droplet.status = droplet.power === "on" ? "active" : "off";
    // Its machine could not be made: it stays listed.
    else if (droplet.status === "new") droplet.failed = true;
    else droplet.power = droplet.status === "active" ? "on" : "off";
  }
}
