/** The lab's cloud: DigitalOcean's public API v2 in front of a driver that makes the machines real. */
import { setTimeout } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { LabConfig } from "../../config.js";
import { Applier } from "./applier.js";
import type { Context, Delays } from "./context.js";
import type { Driver } from "./driver.js";
import { observePower } from "./power.js";
import { defaultRateLimit, type RateLimit, RateLimiter } from "./rateLimit.js";
import { recover } from "./recover.js";
import { accountRoutes } from "./resources/account.js";
import { actionRoutes } from "./resources/actions.js";
import { backupRoutes } from "./resources/backups.js";
import { dropletActionRoutes } from "./resources/dropletActions.js";
import { dropletRoutes } from "./resources/droplets.js";
import { firewallMemberRoutes } from "./resources/firewallMembers.js";
import { firewallRoutes } from "./resources/firewalls.js";
import { imageRoutes } from "./resources/images.js";
import { keyRoutes } from "./resources/keys.js";
import { loadBalancerRoutes } from "./resources/loadBalancers.js";
import { projectRoutes } from "./resources/projects.js";
import { reservedIpRoutes } from "./resources/reservedIps.js";
import { snapshotRoutes } from "./resources/snapshots.js";
import { tagRoutes } from "./resources/tags.js";
import { volumeActionRoutes } from "./resources/volumeActions.js";
import { volumeRoutes } from "./resources/volumes.js";
import { vpcRoutes } from "./resources/vpcs.js";
import { createServer } from "./server.js";
import { Store } from "./store.js";
import { type Logger, Tasks } from "./tasks.js";

export type { Delays } from "./context.js";
export type { RateLimit } from "./rateLimit.js";
export { Store } from "./store.js";
export type { Logger } from "./tasks.js";

export interface ApiOptions {
  readonly driver: Driver;
  /** JSON file of the API's state; made when it is missing. */
  readonly stateFile: string;
  readonly config: LabConfig;
  /** One line per request and per failure. @default failures to stderr */
  readonly logger?: Logger;
  /** @default the original's limits */
  readonly rateLimit?: Partial<RateLimit>;
  readonly delays?: Partial<Delays>;
}

export interface Api {
  /** Not listening yet: the caller says where. Closing it leaves the machines alone. */
  readonly app: FastifyInstance;
  readonly store: Store;
  /** Resolves when the driver has made everything that the state file wants; requests are answered before. */
  readonly ready: Promise<void>;
  /** Resolves when no action is under way and every change has reached the driver; for tests and for a clean end. */
  idle(): Promise<void>;
}

/**
 * @throws Error when the state file cannot be read. A failing reconcile is logged; what could not be made shows as errored actions.
 */
export async function createApi(options: ApiOptions): Promise<Api> {
  const { driver, config } = options;
  const logger = options.logger ?? {
    info: () => undefined,
    error: (line: string) => process.stderr.write(`lab api: ${line}\n`),
  };
  const store = await Store.load(options.stateFile);
  const ready = recover(store, driver, logger);
  const delays: Delays = { image: 2000, loadBalancer: 500, ...options.delays };
  const applier = new Applier(store, driver, logger, ready, delays.loadBalancer);
  const tasks = new Tasks(store, driver, logger, ready);
  const limiter = new RateLimiter({ ...defaultRateLimit, ...options.rateLimit });
  const app = createServer({ token: config.token, limiter, store, logger });
  const context: Context = { config, store, state: store.state, driver, tasks, applier, delays, ready };

  // Until the driver has made everything so, a machine that does not run is one that is about to.
  let started = false;
  void ready.then(() => {
    started = true;
  });
  app.addHook("preHandler", (request, _reply, done) => {
    if (started && request.url.startsWith("/v2/droplets")) observePower(context, logger);
    done();
  });

  for (const routes of [
    accountRoutes,
    keyRoutes,
    imageRoutes,
    vpcRoutes,
    tagRoutes,
    backupRoutes,
    dropletRoutes,
    dropletActionRoutes,
    actionRoutes,
    volumeRoutes,
    volumeActionRoutes,
    snapshotRoutes,
    firewallRoutes,
    firewallMemberRoutes,
    loadBalancerRoutes,
    reservedIpRoutes,
    projectRoutes,
  ]) {
    routes(app, context);
  }
  void ready.then(() => applier.changed());

  app.addHook("onClose", async () => {
    applier.stop();
    await store.close();
  });
  const idle = async (): Promise<void> => {
    while (tasks.busy || applier.busy) await setTimeout(5);
  };
  return { app, store, ready, idle };
}
