/** Makes the machines equal to what the region's AWS holds, and tells it what only they know. */
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Coalesced } from "../digitalocean/coalesced.js";
import type { Driver, DropletSpec, LoadBalancerSpec, VolumeSpec } from "../digitalocean/driver.js";
import type { Logger } from "../digitalocean/tasks.js";
import { backendName } from "../../region/haproxy.js";
import {
  balancerSpecs,
  desiredState,
  hasPower,
  instanceFirewalls,
  instanceSpec,
  listenerId,
  volumeSpecs,
  vpcSpecs,
} from "./desired.js";
import type { InstanceNumbers } from "./numbers.js";
import type { AwsInstance, AwsReport, AwsState } from "./state.js";

/** Where the state comes from, and where reports go. */
export interface StateSource {
  state(): Promise<AwsState>;
  report(report: AwsReport): Promise<void>;
}

/** Health of every target as its load balancer sees it. */
export type BalancerHealth = () => Promise<
  readonly { readonly backend: string; readonly dropletId: number; readonly healthy: boolean }[]
>;

export interface SyncOptions {
  readonly source: StateSource;
  readonly driver: Driver;
  readonly numbers: InstanceNumbers;
  readonly logger: Logger;
  readonly health: BalancerHealth;
  /** Milliseconds between two synchronisations that nobody asked for. @default 3000 */
  readonly interval?: number;
}

interface Applied {
  readonly spec: DropletSpec;
  readonly power: boolean;
  readonly reboots: number;
}

export class Synchroniser {
  /** The last state that was read; the metadata service answers from it. */
  latest: AwsState | undefined;
  private readonly machines = new Map<string, Applied>();
  private volumes = new Map<string, VolumeSpec>();
  private vpcs = new Map<string, string>();
  private lastFirewalls = "";
  private lastBalancers = "";
  private lastHealth = "";
  private readonly told = new Map<string, string>();
  private readonly work = new Coalesced(() => this.once());
  private stopping = false;
  /** Resolves when what ran before has been taken over. */
  private ready: Promise<void> = Promise.resolve();

  constructor(private readonly options: SyncOptions) {}

  /**
   * Takes over what runs already, and goes on from there.
   * @throws Error when the state cannot be read. What the driver could not make is logged and tried again.
   */
  start(): Promise<void> {
    const started = this.takeOver();
    this.ready = started.catch(() => undefined);
    void this.repeat();
    return started;
  }

  private async takeOver(): Promise<void> {
    const { source, driver, numbers } = this.options;
    const state = await source.state();
    this.latest = state;
    const desired = desiredState(state, numbers.of);
    await this.attempt("machines", () => driver.reconcile(desired));
    for (const instance of state.instances)
      this.machines.set(instance.id, {
        spec: instanceSpec(state, instance, numbers.of),
        power: hasPower(instance),
        reboots: instance.reboots,
      });
    for (const volume of desired.volumes) this.volumes.set(volume.id, volume);
    for (const vpc of desired.vpcs) this.vpcs.set(vpc.id, JSON.stringify(vpc));
    this.lastFirewalls = JSON.stringify(desired.firewalls);
  }

  /** Resolves when everything that the state wanted at the time of the call is so, or was tried. */
  changed(): Promise<void> {
    return this.work.request();
  }

  stop(): void {
    this.stopping = true;
  }

  /** The instance that has a private address. */
  byAddress(address: string): { readonly state: AwsState; readonly instance: AwsInstance } | undefined {
    const instance = this.latest?.instances.find(({ privateAddress }) => privateAddress === address);
    return this.latest && instance ? { state: this.latest, instance } : undefined;
  }

  private async repeat(): Promise<void> {
    while (!this.stopping) {
      await sleep(this.options.interval ?? 3_000, undefined, { ref: false });
      if (!this.stopping) await this.attempt("state", () => this.changed());
    }
  }

  private async once(): Promise<void> {
    await this.ready;
    const { source, driver, numbers } = this.options;
    const state = await source.state();
    this.latest = state;
    for (const vpc of vpcSpecs(state)) {
      const text = JSON.stringify(vpc);
      if (this.vpcs.get(vpc.id) === text) continue;
      if (await this.attempt(`VPC ${vpc.id}`, () => driver.createVpc(vpc))) this.vpcs.set(vpc.id, text);
    }
    // Rules first: a machine has them from its first packet on.
    const firewalls = instanceFirewalls(state, numbers.of);
    await this.apply("security groups", JSON.stringify(firewalls), "lastFirewalls", () =>
      driver.applyFirewalls(firewalls),
    );
    await this.removeMachines(state);
    await this.applyVolumes(volumeSpecs(state, numbers.of));
    await Promise.all(
      state.instances.map((instance) =>
        this.attempt(`instance ${instance.id}`, () => this.applyInstance(state, instance)),
      ),
    );
    const balancers = balancerSpecs(state, numbers.of);
    await this.apply("load balancers", JSON.stringify(balancers), "lastBalancers", () =>
      driver.applyLoadBalancers(balancers),
    );
    for (const id of [...this.vpcs.keys()].filter((known) => !state.vpcs.some((vpc) => vpc.id === known))) {
      if (await this.attempt(`VPC ${id}`, () => driver.deleteVpc(id))) this.vpcs.delete(id);
    }
    await this.attempt("report", () => this.report(state, balancers));
  }

  private async removeMachines(state: AwsState): Promise<void> {
    const { driver, numbers } = this.options;
    const gone = numbers.instances.filter((id) => !state.instances.some((instance) => instance.id === id));
    await Promise.all(
      gone.map((id) =>
        this.attempt(`instance ${id}`, async () => {
          await driver.deleteDroplet(numbers.of(id));
          this.machines.delete(id);
          numbers.forget(id);
        }),
      ),
    );
  }

  private async applyInstance(state: AwsState, instance: AwsInstance): Promise<void> {
    const { driver, numbers } = this.options;
    const spec = instanceSpec(state, instance, numbers.of);
    const power = hasPower(instance);
    const before = this.machines.get(instance.id);
    const now: Applied = { spec, power, reboots: instance.reboots };
    if (!before) {
      if (power) await driver.createDroplet(spec);
    } else if (power !== before.power) {
      if (power) await driver.powerOn(spec);
      else await driver.shutdown(spec.id);
    } else if (power && instance.reboots > before.reboots) {
      await driver.reboot(spec);
    } else if (!isDeepStrictEqual([spec.publicIpv4, spec.single], [before.spec.publicIpv4, before.spec.single])) {
      await driver.readdress(spec);
    }
    this.machines.set(instance.id, now);
  }

  /** What is taken away is taken away first, so that it can be given to another machine. */
  private async applyVolumes(wanted: readonly VolumeSpec[]): Promise<void> {
    const { driver } = this.options;
    const target = new Map(wanted.map((volume) => [volume.id, volume]));
    for (const [id, before] of [...this.volumes]) {
      const now = target.get(id);
      if (now && now.dropletId === before.dropletId) continue;
      await this.attempt(`volume ${id}`, async () => {
        if (before.dropletId !== null) await driver.detachVolume(before, before.dropletId);
        if (now) this.volumes.set(id, { ...before, dropletId: null });
        else {
          await driver.deleteVolume(id);
          this.volumes.delete(id);
        }
      });
    }
    for (const volume of wanted) {
      const before = this.volumes.get(volume.id);
      if (isDeepStrictEqual(before, volume)) continue;
      await this.attempt(`volume ${volume.id}`, async () => {
        if (before?.size !== volume.size) await driver.createVolume(volume);
        if (volume.dropletId !== null && before?.dropletId !== volume.dropletId)
          await driver.attachVolume(volume, volume.dropletId);
        this.volumes.set(volume.id, volume);
      });
    }
  }

  /** Machines that have powered themselves off, and targets that answer or do not. */
  private async report(state: AwsState, balancers: readonly LoadBalancerSpec[]): Promise<void> {
    const { source, driver, numbers, health } = this.options;
    const off = state.instances.filter(
      (instance) =>
        this.machines.get(instance.id)?.power && hasPower(instance) && !driver.running(numbers.of(instance.id)),
    );
    for (const { id, onShutdown } of off) {
      const applied = this.machines.get(id);
      // It is off already; nothing is left to shut down.
      if (applied && onShutdown === "stop") this.machines.set(id, { ...applied, power: false });
    }
    const seen = balancers.length === 0 ? [] : await health();
    const healthOf: Record<string, Record<string, boolean>> = {};
    for (const balancer of state.balancers) {
      for (const listener of balancer.listeners) {
        const backend = backendName({ id: listenerId(balancer, listener) }, listener.port);
        for (const { id } of listener.targets) {
          const found = seen.find((item) => item.backend === backend && item.dropletId === numbers.of(id));
          if (found) (healthOf[listener.group] ??= {})[id] = found.healthy;
        }
      }
    }
    const text = JSON.stringify(healthOf);
    if (off.length === 0 && text === this.lastHealth) return;
    await source.report({ instances: off.map(({ id }) => ({ id, state: "stopped" })), health: healthOf });
    this.lastHealth = text;
  }

  private async apply(
    what: string,
    text: string,
    last: "lastFirewalls" | "lastBalancers",
    action: () => Promise<void>,
  ): Promise<void> {
    if (this[last] !== text && (await this.attempt(what, action))) this[last] = text;
  }

  /** One failure keeps nothing else from being done; it is logged once, and tried again with the next synchronisation. */
  private async attempt(what: string, action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      this.told.delete(what);
      return true;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (this.told.get(what) !== text) this.options.logger.error(`${what}: ${text}`);
      this.told.set(what, text);
      return false;
    }
  }
}
