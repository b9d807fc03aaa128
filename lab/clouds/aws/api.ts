/** AWS's API on a region: moto's state, which the region's machines follow. */
import type { FastifyInstance } from "fastify";
import type { LabConfig } from "../../config.js";
import { balancerTargets, type TargetState } from "../../region/balancers.js";
import { backendName } from "../../region/haproxy.js";
import type { DesiredState, Driver, VolumeSight } from "../../region/spec.js";
import { type Logger, type Source, Synchroniser } from "../../region/synchroniser.js";
import { desiredState, hasPower, listenerId } from "./desired.js";
import { createFront } from "./front.js";
import { type Moto, numbersFile } from "./moto.js";
import { InstanceNumbers } from "./numbers.js";
import type { AwsInstance, AwsState } from "./state.js";

export type TargetHealth = () => Promise<readonly Pick<TargetState, "backend" | "machineId" | "healthy">[]>;

/** Reads what should be, and reports to moto what only the machines know: whether they run, and which targets are healthy. */
export class AwsSource implements Source {
  /** The last state that was read; the metadata service answers from it. */
  latest: AwsState | undefined;
  private lastReport = "";

  constructor(
    private readonly moto: Pick<Moto, "state" | "report">,
    readonly numbers: InstanceNumbers,
    private readonly health: TargetHealth,
    private readonly driver: Pick<Driver, "running" | "seen">,
  ) {}

  async desired(): Promise<DesiredState> {
    const state = await this.moto.state();
    this.latest = state;
    for (const id of this.numbers.instances)
      if (!state.instances.some((instance) => instance.id === id)) this.numbers.forget(id);
    return desiredState(state, this.numbers.of);
  }

  async observed(off: readonly number[]): Promise<void> {
    if (!this.latest) return;
    const without = (instance: AwsInstance): boolean =>
      instance.state === "stopping"
        ? !this.driver.running(this.numbers.of(instance.id))
        : hasPower(instance) && off.includes(this.numbers.of(instance.id));
    const stopped = this.latest.instances.filter(without);
    const volumes = await this.seenVolumes(this.latest);
    const health = await this.healthOf(this.latest);
    const text = JSON.stringify([health, volumes]);
    if (stopped.length === 0 && text === this.lastReport) return;
    await this.moto.report({ instances: stopped.map(({ id }) => ({ id, state: "stopped" })), health, volumes });
    this.lastReport = text;
  }

  /** The instance that has a private address. */
  byAddress(address: string): { readonly state: AwsState; readonly instance: AwsInstance } | undefined {
    const instance = this.latest?.instances.find(({ privateAddress }) => privateAddress === address);
    return this.latest && instance ? { state: this.latest, instance } : undefined;
  }

  /** Those that are being attached or detached. */
  private async seenVolumes(state: AwsState): Promise<Record<string, VolumeSight>> {
    const seen: Record<string, VolumeSight> = {};
    for (const { id, instance, attachment } of state.volumes)
      if (instance !== null && attachment !== null && attachment !== "attached")
        seen[id] = await this.driver.seen({ id, machineId: this.numbers.of(instance) });
    return seen;
  }

  /** By target group (or classic load balancer) and instance. */
  private async healthOf(state: AwsState): Promise<Record<string, Record<string, boolean>>> {
    const seen = state.balancers.length === 0 ? [] : await this.health();
    const health: Record<string, Record<string, boolean>> = {};
    for (const balancer of state.balancers)
      for (const listener of balancer.listeners) {
        const backend = backendName({ id: listenerId(balancer, listener) }, listener.port);
        for (const { id } of listener.targets) {
          const found = seen.find((item) => item.backend === backend && item.machineId === this.numbers.of(id));
          if (found) (health[listener.group] ??= {})[id] = found.healthy;
        }
      }
    return health;
  }
}

export interface ApiOptions {
  readonly config: LabConfig;
  readonly moto: Moto;
  readonly driver: Driver;
  readonly logger: Logger;
  /** Why moto cannot answer, when its process has ended. */
  readonly lost: () => string | undefined;
}

/** Neither listening nor following the state yet: the caller starts both. */
export function createApi({ config, moto, driver, logger, lost }: ApiOptions): {
  readonly app: FastifyInstance;
  readonly region: Synchroniser;
  readonly source: AwsSource;
} {
  const source = new AwsSource(moto, new InstanceNumbers(numbersFile(config)), () => balancerTargets(config), driver);
  const region = new Synchroniser({ source, driver, logger });
  const changed = async (): Promise<void> => void (await (await region.changed()).all());
  const app = createFront({ moto: moto.url, logger, changed, token: config.token, lost });
  return { app, region, source };
}
