/**
 * The provider's copy of the plan of this run: which machines stay, and where those are that serve.
 *
 * A deletion of a machine that stays can only be one half of its replacement, and is guarded. Without a plan there is no program:
 * `pulumi destroy` removes everything, in any order, and nothing is guarded.
 */
import type { Configuration } from "../../contract/configurations.js";
import type { ControlPlaneRole } from "../gates.js";
import { planShape, type MachineLocation, type PlannedMachine } from "../plan.js";

class RolloutPlan {
  readonly #machines = new Map<string, PlannedMachine>();
  /** Taken away by this run and not back yet. */
  readonly #away = new Set<string>();
  /** Cloud's id of machines whose delivery this run has deleted. */
  readonly #released = new Map<string, string>();
  #etcdHasServed = false;
  #bastion: string | undefined;
  #drainTimeout: number | undefined;
  readonly #configurations = new Map<string, Configuration>();

  /** @throws z.ZodError for an invalid plan. */
  begin(given: unknown): void {
    this.#machines.clear();
    this.#away.clear();
    this.#released.clear();
    this.#configurations.clear();
    const { machines, bastion, drainTimeout, etcdHasServed, configurations } = planShape.parse(given);
    for (const planned of machines) this.#machines.set(planned.machine, planned);
    for (const configuration of configurations) this.#configurations.set(configuration.digest, configuration);
    this.#bastion = bastion;
    this.#drainTimeout = drainTimeout;
    this.#etcdHasServed = etcdHasServed;
  }

  /** Through which machines are reached in this run; undefined: not known, or directly. */
  get bastion(): string | undefined {
    return this.#bastion;
  }

  /** Seconds; undefined: without a plan. */
  get drainTimeout(): number | undefined {
    return this.#drainTimeout;
  }

  /** Versions of the programs that machines with this digest run; none where the digest is not of this run. */
  versions(digest: string | undefined): Configuration["versions"] {
    return (digest === undefined ? undefined : this.#configurations.get(digest))?.versions ?? {};
  }

  /**
   * What machines with this digest run.
   * @throws Error when the program has not sent it.
   */
  configuration(digest: string): Configuration {
    const known = this.#configurations.get(digest);
    if (known === undefined)
      throw new Error(`configuration ${digest}: is not in the plan of this run; this is a bug in the program`);
    return known;
  }

  /** A member of etcd has served, in an earlier run or in this one. */
  get etcdHasServed(): boolean {
    return this.#etcdHasServed;
  }

  etcdServes(): void {
    this.#etcdHasServed = true;
  }

  /** The first half of a replacement is done. */
  released(name: string, machineId: string): void {
    this.#released.set(name, machineId);
  }

  /** The same machine gets a new delivery: not the machine is replaced, the delivery itself is, which somebody has asked for by name. */
  isDeliveredAgain(name: string, machineId: string): boolean {
    return this.#released.get(name) === machineId;
  }

  all(): readonly PlannedMachine[] {
    return [...this.#machines.values()];
  }

  get(name: string): PlannedMachine | undefined {
    return this.#machines.get(name);
  }

  /** Machines of a pool, in their order. */
  pool(name: string): readonly PlannedMachine[] {
    return this.all().filter(({ pool }) => pool === name);
  }

  /** The other machines of etcd and of the control plane. */
  controlPlane(except: string): readonly (PlannedMachine & { readonly pool: ControlPlaneRole })[] {
    return this.all().filter(
      (planned): planned is PlannedMachine & { pool: ControlPlaneRole } =>
        planned.machine !== except && isControlPlane(planned.pool),
    );
  }

  /** The machine serves at this location. */
  serves(name: string, location: MachineLocation): void {
    const known = this.#machines.get(name);
    if (known) this.#machines.set(name, { ...known, ...location });
    this.#away.delete(name);
  }

  /** Where a machine answers that has served once; whether it does now must be asked. */
  answersAt(name: string, location: MachineLocation): void {
    const known = this.#machines.get(name);
    if (known?.host === undefined && known) this.#machines.set(name, { ...known, ...location });
  }

  /** From now on the machine counts as away, until it serves again or `stays`. */
  leaves(name: string): void {
    this.#away.add(name);
  }

  stays(name: string): void {
    this.#away.delete(name);
  }

  isAway(name: string): boolean {
    return this.#away.has(name);
  }
}

export function isControlPlane(pool: string): pool is ControlPlaneRole {
  return pool === "etcd" || pool === "controller";
}

/** One per process: the engine starts a process for each provider resource, and each gets the plan. */
export const rolloutPlan = new RolloutPlan();
