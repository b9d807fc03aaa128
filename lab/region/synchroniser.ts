/**
 * The region's one loop: reads what should be, compares it with what was applied, and calls the driver for what differs.
 *
 * A pass only decides. Each machine, each volume, the rules, the networks and the load balancers have a line of their own, on
 * which changes are applied one after the other; so a machine that takes long to stop delays no other. What fails is tried
 * again with the next pass. A pass follows every change, and every few seconds without one.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Coalesced } from "./coalesced.js";
import type { DesiredState, Driver, MachineFirewall, MachineSpec, Rules, VolumeSpec } from "./spec.js";

export interface Logger {
  info(message: string): void;
  error(message: string): void;
}

export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export interface Source {
  /** What should be. */
  desired(): DesiredState | Promise<DesiredState>;
  /** Called before each pass with the machines that have powered themselves off since they were started. */
  observed?(off: readonly number[]): void | Promise<void>;
}

export interface SynchroniserOptions {
  readonly source: Source;
  readonly driver: Driver;
  readonly logger: Logger;
  /** Milliseconds between two passes without a change. @default 3000 */
  readonly interval?: number;
}

/** Names of lines. */
export const line = {
  machine: (id: number): string => `machine ${id}`,
  volume: (id: string): string => `volume ${id}`,
  networks: "networks",
  rules: "firewall",
  balancers: "load balancers",
  names: "names",
} as const;

export interface Pass {
  /** Settles when the line has been made as this pass wanted it. @throws Error of the driver. */
  of(name: string): Promise<void>;
  /** Resolves when everything that this pass wanted was tried. */
  all(): Promise<void>;
}

interface Line {
  /** What was applied last or is being applied; undefined: nothing, or it failed. */
  text: string | undefined;
  done: Promise<void>;
  busy: number;
}

export class Synchroniser {
  private readonly lines = new Map<string, Line>();
  /** Machines that were applied, with what protects them, until they are gone. */
  private readonly machines = new Map<
    number,
    { readonly spec?: MachineSpec; readonly firewall?: MachineFirewall | undefined }
  >();
  private readonly volumes = new Map<string, VolumeSpec | undefined>();
  private readonly reported = new Map<string, string>();
  private readonly work = new Coalesced(() => this.pass());
  private started: Promise<void> | undefined;
  private stopping = false;

  constructor(private readonly options: SynchroniserOptions) {}

  /** Takes over what runs already and keeps it as it should be. */
  start(): void {
    void this.repeat();
  }

  /** Resolves with the pass that began after the call. @throws Error when what should be cannot be read. */
  changed(): Promise<Pass> {
    return this.work.request();
  }

  stop(): void {
    this.stopping = true;
  }

  /** Whether something is being applied or about to be. */
  get busy(): boolean {
    return this.work.busy || [...this.lines.values()].some(({ busy }) => busy > 0);
  }

  /** Machines that were started and have powered themselves off. Those that are being worked on do not count. */
  off(): number[] {
    return [...this.machines].flatMap(([id, { spec }]) => {
      const known = this.lines.get(line.machine(id));
      const settled = spec?.power === "on" && known?.text !== undefined && known.busy === 0;
      return settled && !this.options.driver.running(id) ? [id] : [];
    });
  }

  private async repeat(): Promise<void> {
    while (!this.stopping) {
      await this.changed().then(
        () => this.reported.delete("state"),
        (error: unknown) => this.report("state", error),
      );
      await sleep(this.options.interval ?? 3_000, undefined, { ref: false });
    }
  }

  /** Once: what this host has of the region counts as applied, so that what is not wanted is removed. */
  private async takeOver(): Promise<void> {
    const { machines, volumes } = await this.options.driver.present();
    for (const id of machines) this.machines.set(id, {});
    for (const id of volumes) this.volumes.set(id, undefined);
  }

  private async pass(): Promise<Pass> {
    const { source, driver } = this.options;
    this.started ??= this.takeOver();
    await this.started.catch((error: unknown) => {
      this.started = undefined;
      throw error;
    });
    const off = this.off();
    await source.observed?.(off);
    // They are not as they were applied any more, whatever is wanted now.
    for (const id of off) this.lines.get(line.machine(id))!.text = undefined;
    const desired = await source.desired();
    const { vpcs, loadBalancers, names = [] } = desired;
    const results = new Map<string, Promise<void>>();
    const apply = (name: string, wanted: unknown, action: () => Promise<void>): Promise<void> => {
      const result = this.apply(name, wanted, action);
      results.set(name, result);
      return result;
    };

    const networks = apply(line.networks, vpcs, () => driver.networks(vpcs));
    const removals = this.removals(desired, apply);
    const rules = { ...this.withLeaving(desired), vpcs, loadBalancers };
    const filter = apply(line.rules, rules, () => driver.rules(rules));
    const volumes = new Map(
      desired.volumes.map((volume) => {
        const known = this.volumes.has(volume.id);
        const before = this.volumes.get(volume.id)?.machineId;
        // A machine that is being removed gives it up first; one that is being started shows it once it runs.
        const waits: (Promise<void> | undefined)[] = [
          ...(before !== undefined ? [removals.get(before ?? 0)] : known ? removals.values() : []),
          this.lines.get(line.machine(volume.machineId ?? 0))?.done,
        ];
        const made = apply(line.volume(volume.id), volume, async () => {
          await Promise.allSettled(waits.filter((wait) => wait !== undefined));
          await driver.volume(volume);
        });
        return [volume.id, made];
      }),
    );
    for (const machine of desired.machines) {
      const own = desired.volumes.filter(({ machineId }) => machineId === machine.id);
      const sameName = [...removals].filter(([id]) => this.machines.get(id)?.spec?.name === machine.name);
      void apply(line.machine(machine.id), machine, async () => {
        // Rules first: the machine has them from its first packet on.
        await Promise.all([networks, filter, ...own.flatMap(({ id }) => volumes.get(id) ?? [])]);
        await Promise.allSettled(sameName.map(([, removed]) => removed));
        await driver.machine(machine, own);
      });
    }
    void apply(line.balancers, [loadBalancers, vpcs], async () => {
      // Closed before they listen.
      await Promise.all([networks, filter]);
      await driver.balancers(loadBalancers, vpcs);
    });
    void apply(line.names, names, () => driver.resolve(names));

    for (const machine of desired.machines) {
      const firewall = desired.firewalls.find(({ machineId }) => machineId === machine.id);
      this.machines.set(machine.id, { spec: machine, firewall });
    }
    for (const volume of desired.volumes) this.volumes.set(volume.id, volume);
    return {
      of: (name) => results.get(name) ?? Promise.resolve(),
      all: async () => void (await Promise.allSettled(results.values())),
    };
  }

  /** Removes what is not wanted any more. @returns Removals of machines that are under way. */
  private removals(
    desired: DesiredState,
    apply: (name: string, wanted: unknown, action: () => Promise<void>) => Promise<void>,
  ): ReadonlyMap<number, Promise<void>> {
    const { driver } = this.options;
    const going = [...this.machines.keys()].filter((id) => !desired.machines.some((machine) => machine.id === id));
    const removals = new Map(
      going.map((id) => {
        const removed = apply(line.machine(id), null, async () => {
          await driver.removeMachine(id);
          this.machines.delete(id);
          // Its rules go with it.
          void this.changed().catch(() => undefined);
        });
        return [id, removed];
      }),
    );
    for (const id of [...this.volumes.keys()].filter((known) => !desired.volumes.some((volume) => volume.id === known)))
      void apply(line.volume(id), null, async () => {
        await Promise.allSettled(removals.values());
        await driver.removeVolume(id);
        this.volumes.delete(id);
      });
    return removals;
  }

  /** Machines and firewalls as they should be, with those of machines that are not gone yet. */
  private withLeaving(desired: DesiredState): Pick<Rules, "machines" | "firewalls"> {
    const leaving = [...this.machines].filter(([id]) => !desired.machines.some((machine) => machine.id === id));
    const kept = leaving.flatMap(([id, { firewall }]) =>
      firewall && !desired.firewalls.some(({ machineId }) => machineId === id) ? [firewall] : [],
    );
    const machines = [...desired.machines, ...leaving.flatMap(([, { spec }]) => spec ?? [])];
    return {
      machines: machines.map(({ id, publicIpv4, privateIpv4, vpcId, single }) => ({
        id,
        publicIpv4,
        privateIpv4,
        vpcId,
        single,
      })),
      firewalls: [...desired.firewalls, ...kept],
    };
  }

  /** Applies what is wanted on a line after all that was wanted on it before; does nothing when that is the same. */
  private apply(name: string, wanted: unknown, action: () => Promise<void>): Promise<void> {
    const known: Line = this.lines.get(name) ?? { text: undefined, done: Promise.resolve(), busy: 0 };
    this.lines.set(name, known);
    const text = JSON.stringify(wanted);
    if (known.text === text) return known.done;
    known.text = text;
    known.busy += 1;
    const done = known.done.catch(() => undefined).then(action);
    known.done = done;
    done.then(
      () => {
        known.busy -= 1;
        this.reported.delete(name);
        if (wanted === null && known.done === done) this.lines.delete(name);
      },
      (error: unknown) => {
        known.busy -= 1;
        if (known.done === done) known.text = undefined;
        this.report(name, error);
      },
    );
    return done;
  }

  /** Each failure is logged once, however often it is tried again. */
  private report(what: string, error: unknown): void {
    const text = reason(error);
    if (this.reported.get(what) !== text) this.options.logger.error(`${what}: ${text}`);
    this.reported.set(what, text);
  }
}
