/** DigitalOcean's public API v2 on a region: records in a file, which the region's machines follow. */
import { setTimeout } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import type { AddressMode } from "../../addressMode.js";
import type { LabConfig } from "../../config.js";
import type { Scarcity } from "../../scarcity.js";
import type { Driver } from "../../region/spec.js";
import { type Logger, Synchroniser } from "../../region/synchroniser.js";
import { AppliedState } from "./applied.js";
import type { Context, Delays } from "./context.js";
import { desiredState } from "./desired.js";
import { createFront } from "./front.js";
import { defaultRateLimit, type RateLimit, RateLimiter } from "./rateLimit.js";
import { accountRoutes } from "./resources/account.js";
import { actionRoutes } from "./resources/actions.js";
import { dropletRoutes } from "./resources/droplets.js";
import { firewallRoutes } from "./resources/firewalls.js";
import { imageRoutes } from "./resources/images.js";
import { keyRoutes } from "./resources/keys.js";
import { loadBalancerRoutes } from "./resources/loadBalancers.js";
import { tagRoutes } from "./resources/tags.js";
import { volumeActionRoutes } from "./resources/volumeActions.js";
import { volumeRoutes } from "./resources/volumes.js";
import { vpcRoutes } from "./resources/vpcs.js";
import { Store } from "./store.js";
import { Tasks } from "./tasks.js";

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
  /** When addresses are given out again. @default later */
  readonly addresses?: () => AddressMode;
  /** @default nothing is scarce */
  readonly scarcity?: () => Scarcity;
}

export interface Api {
  /** Not listening yet: the caller says where. Closing it leaves the machines alone. */
  readonly app: FastifyInstance;
  readonly store: Store;
  /** Resolves when no action is under way and every change has reached the driver; for tests. */
  idle(): Promise<void>;
}

/** @throws Error when the state file cannot be read. What the driver cannot make is logged and tried again. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const { driver, config } = options;
  const logger = options.logger ?? {
    info: () => undefined,
    error: (text: string) => process.stderr.write(`lab api: ${text}\n`),
  };
  const store = await Store.load(options.stateFile);
  const delays: Delays = { image: 2000, loadBalancer: 500, ...options.delays };
  const region = new Synchroniser({
    source: { desired: () => desiredState(store.state), observed: (off) => poweredOff(store, off, logger) },
    driver,
    logger,
  });
  const tasks = new Tasks(store, region, logger);
  const applied = new AppliedState(store, region, logger, delays.loadBalancer);
  const addresses = options.addresses ?? (() => "later" as const);
  const scarcity = options.scarcity ?? (() => ({}));
  const context: Context = {
    config,
    store,
    state: store.state,
    region,
    tasks,
    applied,
    delays,
    addresses,
    scarcity,
  };
  const limiter = new RateLimiter({ ...defaultRateLimit, ...options.rateLimit });
  const app = createFront({ token: config.token, limiter, store, logger });

  app.addHook("preHandler", (request, _reply, done) => {
    const off = request.url.startsWith("/v2/droplets") ? region.off() : [];
    if (off.length > 0) {
      poweredOff(store, off, logger);
      void region.changed();
    }
    done();
  });
  for (const routes of [
    accountRoutes,
    keyRoutes,
    imageRoutes,
    vpcRoutes,
    tagRoutes,
    dropletRoutes,
    actionRoutes,
    volumeRoutes,
    volumeActionRoutes,
    firewallRoutes,
    loadBalancerRoutes,
  ]) {
    routes(app, context);
  }
  tasks.resume();
  applied.changed();
  region.start();

  app.addHook("onClose", async () => {
    region.stop();
    applied.stop();
    await store.close();
  });
  const idle = async (): Promise<void> => {
    while (tasks.busy || applied.busy || region.busy) await setTimeout(5);
  };
  return { app, store, idle };
}

/** Droplets whose machines have powered themselves off are off, as the original shows them. */
function poweredOff(store: Store, ids: readonly number[], logger: Logger): void {
  for (const droplet of store.state.droplets) {
    if (!ids.includes(droplet.id) || droplet.status !== "active" || droplet.pending > 0) continue;
    droplet.status = droplet.power = "off";
    store.changed();
    logger.info(`droplet ${droplet.name} has powered itself off`);
  }
}
