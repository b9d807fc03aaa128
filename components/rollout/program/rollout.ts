/**
 * The order of a run, inside the engine's program: a machine that serves is not registered before it may change.
 *
 * Registration is what makes the engine replace a machine or deliver to it, so holding it back holds back everything else. It is not
 * written as `dependsOn`, which would apply to the first creation and to a teardown too. See docs/decisions/0009-rolling-replacement.md.
 */
import * as pulumi from "@pulumi/pulumi";
import { next, type MachineState, type Stages } from "../order.js";
import { planFunction, type PlannedMachine } from "../plan.js";
import { readServingMachines, type ServingMachines } from "./servingMachines.js";

/** The engine's side of a rollout. Tests replace it. */
export interface RolloutEngine {
  servingMachines(): Promise<ServingMachines>;
  /** Tells a provider which machines stay: it guards their deletion, which can only be part of a replacement. */
  sendPlan(machines: readonly PlannedMachine[], provider?: pulumi.ProviderResource): Promise<void>;
}

/** What a pool of machines must know of the order. */
export interface MachineOrder {
  /** `value`, known once the machine may change. */
  onceAllowed<Value>(machine: string, value: Value): pulumi.Output<Value>;
  /** The machine serves once `proof` is known; the others may continue then. */
  servesWith(machine: string, proof: pulumi.Output<unknown>): void;
  /**
   * A machine's address as another one needs it before all machines of this run exist: the recorded address if it served before, so
   * that no machine waits for one that waits for it.
   */
  addressOf(machine: string, created: pulumi.Output<string>): pulumi.Output<string>;
}

interface Slot {
  readonly allowed: Promise<void>;
  readonly allow: () => void;
  readonly refuse: (reason: Error) => void;
}

export class Rollout implements MachineOrder {
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #states = new Map<string, MachineState>();
  readonly #serving: Promise<ServingMachines>;

  private constructor(
    private readonly stages: Stages,
    serving: Promise<ServingMachines>,
    private readonly engine: RolloutEngine,
    /** A preview changes nothing, and waits for nothing. */
    private readonly preview: boolean,
  ) {
    this.#slots = new Map(stages.flat().flatMap(({ machines }) => machines.map((machine) => [machine, newSlot()])));
    this.#serving = preview ? Promise.resolve(new Map()) : serving.then((machines) => this.#start(machines));
    // Every waiting machine reports it as well.
    this.#serving.catch((error: Error) => this.#slots.forEach((slot) => slot.refuse(error)));
  }

  /** Asks the engine which machines serve, and begins with the first ones as soon as the provider has the plan. */
  static begin(stages: Stages, engine: RolloutEngine = pulumiEngine, preview = pulumi.runtime.isDryRun()): Rollout {
    // A preview asks too, though it does not need the answer: the request is part of the plan that an update may be constrained to.
    const serving = engine.servingMachines();
    if (preview) serving.catch(() => undefined);
    return new Rollout(stages, serving, engine, preview);
  }

  /**
   * The same order for resources of an explicit provider, which has a process of its own: machines that serve also wait until it has
   * the plan. New ones do not, because nothing of them can be deleted.
   */
  withProvider(provider: pulumi.ProviderResource): MachineOrder {
    if (this.preview) return this;
    const sent = this.#serving.then((serving) => this.engine.sendPlan(planOf(this.stages, serving), provider));
    sent.catch((error: Error) => this.#refuse(error));
    return {
      onceAllowed: (machine, value) => this.#onceAllowed(machine, value, sent),
      servesWith: (machine, proof) => this.servesWith(machine, proof),
      addressOf: (machine, created) => this.addressOf(machine, created),
    };
  }

  onceAllowed<Value>(machine: string, value: Value): pulumi.Output<Value> {
    return this.#onceAllowed(machine, value);
  }

  servesWith(machine: string, proof: pulumi.Output<unknown>): void {
    if (this.preview) return;
    const { isKnown } = proof as unknown as { readonly isKnown: Promise<boolean> };
    void isKnown.then(
      (known) => {
        if (known) {
          this.#states.set(machine, "ready");
          this.#proceed();
        } else {
          this.#refuse(new Error(`${machine} failed`));
        }
      },
      (error: Error) => this.#refuse(error),
    );
  }

  addressOf(machine: string, created: pulumi.Output<string>): pulumi.Output<string> {
    return pulumi.output(this.#serving.then((serving) => serving.get(machine)?.address ?? created));
  }

  #onceAllowed<Value>(machine: string, value: Value, sent?: Promise<void>): pulumi.Output<Value> {
    const wait = async (): Promise<Value> => {
      if (this.preview) return value;
      const slot = this.#slots.get(machine);
      if (!slot) throw new Error(`${machine} is in no pool of the rollout; this is a bug in the program`);
      await slot.allowed;
      if ((await this.#serving).has(machine)) await sent;
      return value;
    };
    return pulumi.output(wait()) as pulumi.Output<Value>;
  }

  async #start(serving: ServingMachines): Promise<ServingMachines> {
    for (const machine of this.#slots.keys()) this.#states.set(machine, serving.has(machine) ? "pending" : "new");
    await this.engine.sendPlan(planOf(this.stages, serving));
    this.#proceed();
    return serving;
  }

  #proceed(): void {
    for (const machine of next(this.stages, (name) => this.#states.get(name) ?? "new")) {
      if (this.#states.get(machine) === "pending") this.#states.set(machine, "changing");
      this.#slots.get(machine)?.allow();
    }
  }

  #refuse(reason: Error): void {
    for (const [machine, slot] of this.#slots)
      slot.refuse(
        new Error(`${machine}: not changed, because ${reason.message}. Fix this and run \`pulumi up\` again.`),
      );
  }
}

function planOf(stages: Stages, serving: ServingMachines): PlannedMachine[] {
  return stages
    .flat()
    .flatMap(({ name: pool, machines, atOnce }) =>
      machines.map((machine) => ({ machine, pool, atOnce, ...serving.get(machine) })),
    );
}

function newSlot(): Slot {
  let allow = (): void => undefined;
  let refuse: Slot["refuse"] = () => undefined;
  const allowed = new Promise<void>((resolve, reject) => {
    allow = resolve;
    refuse = reject;
  });
  // It may be refused before anything waits for it.
  allowed.catch(() => undefined);
  return { allowed, allow, refuse };
}

const pulumiEngine: RolloutEngine = {
  servingMachines: readServingMachines,
  sendPlan: async (machines, provider) => {
    await pulumi.runtime.invoke(planFunction, { machines }, provider ? { provider } : {});
  },
};
