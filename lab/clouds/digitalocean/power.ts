/** Machines that lost their power by themselves: an order to power off from inside, or a crash. */
import type { Context } from "./context.js";
import type { DropletRecord } from "./state.js";
import { type Logger, reason } from "./tasks.js";

/** Looks at every machine that should run and notes those that do not as off, as the original shows them. Those that are worked on are left alone. */
export function observePower({ state, driver, store }: Context, logger: Logger): void {
  const settled = (droplet: DropletRecord): boolean =>
    droplet.status === "active" && droplet.pending === 0 && !droplet.deleting && !droplet.failed;
  for (const droplet of state.droplets) {
    if (!settled(droplet) || driver.running(droplet.id)) continue;
    droplet.status = "off";
    store.changed();
    logger.info(`droplet ${droplet.name} has powered itself off`);
    // What is left of it, such as its end of the network, must not answer any more.
    driver
      .powerOff(droplet.id)
      .catch((error: unknown) => logger.error(`power off of droplet ${droplet.name}: ${reason(error)}`));
  }
}
