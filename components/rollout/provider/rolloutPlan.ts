/**
 * What the program has said of this run: which machines stay, and where those are that serve.
 *
 * A deletion of a machine that stays can only be one half of its replacement, and is guarded. Without an announcement there is no
 * program: `pulumi destroy` takes everything away, in any order, and nothing is guarded.
 */
import { z } from "zod";
import type { ControlPlaneRole } from "../gates.js";

const machine = z.object({
  machine: z.string().min(1),
  pool: z.string().min(1),
  atOnce: z.number().int().min(1),
  host: z.string().optional(),
  address: z.string().optional(),
  hostKey: z.string().optional(),
});
const schema = z.object({ machines: z.array(machine) });

/** A machine that stays. Without `host`: it does not serve yet, or it is a worker. */
export type Announced = z.infer<typeof machine>;

/** Where a machine answers. */
export interface Location {
  readonly host: string;
  readonly address?: string;
  readonly hostKey?: string;
}

export class Announcement {
  readonly #machines = new Map<string, Announced>();
  /** Taken away by this run and not back yet. */
  readonly #away = new Set<string>();

  /** @throws what is wrong with it. */
  begin(given: unknown): void {
    this.#machines.clear();
    this.#away.clear();
    for (const one of schema.parse(given).machines) this.#machines.set(one.machine, one);
  }

  get(name: string): Announced | undefined {
    return this.#machines.get(name);
  }

  /** Machines of a pool, in their order. */
  pool(name: string): readonly Announced[] {
    return [...this.#machines.values()].filter(({ pool }) => pool === name);
  }

  /** The other machines of etcd and of the control plane. */
  controlPlane(except: string): readonly (Announced & { readonly pool: ControlPlaneRole })[] {
    return [...this.#machines.values()].filter(
      (one): one is Announced & { pool: ControlPlaneRole } =>
        one.machine !== except && (one.pool === "etcd" || one.pool === "controller"),
    );
  }

  /** The machine serves, here. */
  serves(name: string, location: Location): void {
    const known = this.#machines.get(name);
    if (known) this.#machines.set(name, { ...known, ...location });
    this.#away.delete(name);
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

/** One for the whole process: the engine runs a process for each provider resource, and each is told. */
export const announcement = new Announcement();
