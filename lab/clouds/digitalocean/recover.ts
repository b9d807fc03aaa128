/** After a restart: finishes what was under way when the process ended, and lets the driver make everything so. */
import { desiredState } from "./desired.js";
import type { Driver } from "./driver.js";
import { type Store, timestamp } from "./store.js";
import { type Logger, reason } from "./tasks.js";

/** Resolves when the driver was told, successfully or not: a failure is logged, and what was being made counts as failed. */
export async function recover(store: Store, driver: Driver, logger: Logger): Promise<void> {
  const { state } = store;
  forgetDroplets(
    store,
    state.droplets.filter((droplet) => droplet.deleting).map((droplet) => droplet.id),
  );
  for (const volume of state.volumes) volume.busy = false;
  for (const image of state.images) image.status = "available";
  for (const droplet of state.droplets) droplet.pending = 0;
  const interrupted = state.actions.filter((action) => action.status === "in-progress");
  const booting = state.droplets.filter((droplet) => droplet.status === "new" && !droplet.failed);
  store.changed();

  let made = true;
  try {
    await driver.reconcile(desiredState(state));
  } catch (error) {
    made = false;
    logger.error(`reconcile: ${reason(error)}`);
  }
  for (const action of interrupted) {
    action.status = made ? "completed" : "errored";
    action.completed_at = timestamp();
  }
  for (const droplet of booting) {
    if (made) droplet.status = "active";
    else droplet.failed = true;
  }
  store.changed();
  await store.flush().catch((error: unknown) => logger.error(`state file: ${reason(error)}`));
}

/** Removes droplets and every mention of them; their volumes stay, unattached. */
export function forgetDroplets(store: Store, ids: readonly number[]): void {
  if (ids.length === 0) return;
  const { state } = store;
  state.droplets = state.droplets.filter((droplet) => !ids.includes(droplet.id));
  for (const volume of state.volumes) {
    if (volume.dropletId !== null && ids.includes(volume.dropletId)) volume.dropletId = null;
  }
  for (const holder of [...state.firewalls, ...state.loadBalancers]) {
    holder.droplet_ids = holder.droplet_ids.filter((id) => !ids.includes(id));
  }
  store.dropUnusedUserData();
  store.changed();
}
