/**
 * The order of a run, inside the engine's program: a machine that serves is not registered before it may change.
 *
 * Registration is what makes the engine replace a machine or deliver to it, so holding it back holds back everything else. It is not
 * written as `dependsOn`, which would apply to the first creation and to a teardown too. See docs/decisions/0009-rolling-replacement.md.
 */
import * as pulumi from "@pulumi/pulumi";
import type { Configuration } from "../../contract/configurations.js";
import { askable, next, type MachineState, type Stages } from "../order.js";
import { brokenFunction, planFunction, type PlannedMachine } from "../plan.js";
import { readRecorded, readServingMachines, type ServingMachines } from "./servingMachines.js";

/** The engine's side of a rollout. Tests replace it. */
export interface RolloutEngine {
  servingMachines(): Promise<ServingMachines>;
  /** Whether any member of etcd has ever served, also one whose machine is gone. */
  etcdHasServed(): Promise<boolean>;
  /** Tells a provider which machines stay: it guards their deletion, which can only be part of a replacement. */
  sendPlan(plan: Plan, provider?: pulumi.ProviderResource): Promise<void>;
  /** Which of these machines do not serve, with the reason. */
  findBroken(
    question: Login & { readonly machines: readonly string[] },
    provider?: pulumi.ProviderResource,
  ): Promise<Readonly<Record<string, string>>>;
}

interface Plan {
  readonly machines: readonly PlannedMachine[];
  readonly bastion: pulumi.Output<string> | undefined;
  readonly drainTimeout: number;
  readonly etcdHasServed: boolean;
  readonly configurations: readonly Configuration[];
}

type Login = Pick<RolloutAccess, "user" | "privateKey">;

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

/** How the machines of this run are reached. */
export interface RolloutAccess {
  readonly user: string;
  /** Secret, in OpenSSH's format. */
  readonly privateKey: pulumi.Output<string>;
  /** @default directly */
  readonly bastion?: pulumi.Output<string> | undefined;
  /** Seconds. */
  readonly drainTimeout: number;
  /** What the machines are to run. @default none that can be brought to them */
  readonly configurations?: readonly Configuration[];
}

export class Rollout implements MachineOrder {
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #states = new Map<string, MachineState>();
  /** The provider that knows the machine, where it is not the default one; and when it has the plan. */
  readonly #providers = new Map<string, { readonly provider: pulumi.ProviderResource; readonly sent: Promise<void> }>();
  readonly #asked = new Set<string>();
  readonly #unanswered = new Set<string>();
  readonly #broken = new Set<string>();
  readonly #serving: Promise<ServingMachines>;
  readonly #etcdHasServed: Promise<boolean>;

  private constructor(
    private readonly stages: Stages,
    serving: Promise<ServingMachines>,
    private readonly access: RolloutAccess,
    private readonly engine: RolloutEngine,
    /** A preview changes nothing, and waits for nothing. */
    private readonly preview: boolean,
  ) {
    this.#slots = new Map(stages.flat().flatMap(({ machines }) => machines.map((machine) => [machine, newSlot()])));
    this.#etcdHasServed = preview ? Promise.resolve(false) : engine.etcdHasServed();
    this.#etcdHasServed.catch(() => undefined);
    this.#serving = preview ? Promise.resolve(new Map()) : serving.then((machines) => this.#start(machines));
    // Every waiting machine reports it as well.
    this.#serving.catch((error: Error) => this.#slots.forEach((slot) => slot.refuse(error)));
  }

  /** Asks the engine which machines serve, and begins with the first ones as soon as the provider has the plan. */
  static begin(
    stages: Stages,
    access: RolloutAccess,
    engine: RolloutEngine = pulumiEngine,
    preview = pulumi.runtime.isDryRun(),
  ): Rollout {
    // A preview asks too, though it does not need the answer: the request is part of the plan that an update may be constrained to.
    const serving = engine.servingMachines();
    if (preview) serving.catch(() => undefined);
    return new Rollout(stages, serving, access, engine, preview);
  }

  /**
   * The same order for resources of an explicit provider, which has a process of its own: machines that serve also wait until it has
   * the plan. New ones do not, because nothing of them can be deleted.
   */
  withProvider(provider: pulumi.ProviderResource): MachineOrder {
    if (this.preview) return this;
    const sent = this.#serving.then(async (serving) => this.engine.sendPlan(await this.#planOf(serving), provider));
    sent.catch((error: Error) => this.#refuse(error));
    return {
      onceAllowed: (machine, value) => {
        this.#providers.set(machine, { provider, sent });
        return this.#onceAllowed(machine, value, sent);
      },
      servesWith: (machine, proof) => this.servesWith(machine, proof),
      addressOf: (machine, created) => this.addressOf(machine, created),
    };
  }

  onceAllowed<Value>(machine: string, value: Value): pulumi.Output<Value> {
    return this.#onceAllowed(machine, value);
  }

  servesWith(machine: string, proof: pulumi.Output<unknown>): void {
    if (this.preview) return;
    // Not known: the engine left it out (`--target`, `--exclude`), so nothing was taken away. A failure rejects.
    void isKnownOf(proof).then(
      () => {
        this.#states.set(machine, "ready");
        this.#proceed();
      },
      (error: Error) => this.#refuse(error),
    );
  }

  addressOf(machine: string, created: pulumi.Output<string>): pulumi.Output<string> {
    return pulumi.output(this.#serving.then((serving) => serving.get(machine)?.address ?? valueOf(created)));
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
    await this.engine.sendPlan(await this.#planOf(serving));
    this.#proceed();
    return serving;
  }

  #proceed(): void {
    this.#ask(askable(this.stages, (name) => this.#states.get(name) ?? "new").filter((name) => !this.#asked.has(name)));
    const stateOf = (name: string): MachineState =>
      this.#unanswered.has(name) ? "changing" : (this.#states.get(name) ?? "new");
    for (const machine of next(this.stages, stateOf, this.#broken)) {
      if (this.#states.get(machine) === "pending") this.#states.set(machine, "changing");
      this.#slots.get(machine)?.allow();
    }
  }

  /** Asks which of the machines do not serve; they wait for the answer. Without one, they go in their usual order. */
  #ask(machines: readonly string[]): void {
    const questions = new Map<pulumi.ProviderResource | undefined, string[]>();
    for (const machine of machines) {
      this.#asked.add(machine);
      this.#unanswered.add(machine);
      const provider = this.#providers.get(machine)?.provider;
      questions.set(provider, [...(questions.get(provider) ?? []), machine]);
    }
    for (const [provider, asked] of questions) void this.#answer(asked, provider);
  }

  async #answer(machines: readonly string[], provider: pulumi.ProviderResource | undefined): Promise<void> {
    try {
      await this.#providers.get(machines[0] ?? "")?.sent;
      const { user, privateKey } = this.access;
      const broken = await this.engine.findBroken({ machines, user, privateKey }, provider);
      for (const [machine, reason] of Object.entries(broken)) {
        this.#broken.add(machine);
        void pulumi.log.warn(
          `${machine} does not serve: ${reason}. If it is to change in this run, it comes first. If its machine is gone: pulumi refresh && pulumi up`,
        );
      }
    } catch (error) {
      void pulumi.log.debug(`not known which of ${machines.join(", ")} serve: ${String(error)}`);
    }
    for (const machine of machines) this.#unanswered.delete(machine);
    this.#proceed();
  }

  async #planOf(serving: ServingMachines): Promise<Plan> {
    const machines = this.stages
      .flat()
      .flatMap(({ name: pool, machines: names, atOnce }) =>
        names.map((machine) => ({ machine, pool, atOnce, ...serving.get(machine) })),
      );
    const { bastion, drainTimeout, configurations = [] } = this.access;
    return { machines, bastion, drainTimeout, configurations, etcdHasServed: await this.#etcdHasServed };
  }

  #refuse(reason: Error): void {
    for (const [machine, slot] of this.#slots)
      slot.refuse(
        new Error(`${machine}: not changed, because ${reason.message}. Fix this and run \`pulumi up\` again.`),
      );
  }
}

const isKnownOf = (output: pulumi.Output<unknown>): Promise<boolean> =>
  (output as unknown as { readonly isKnown: Promise<boolean> }).isKnown;

/**
 * The value without the resource that it comes from: as a dependency in the state, a member would be one of machines that are registered
 * after it. A run with `--target` registers what a resource depends on together with it, and ends when the program does so again.
 */
async function valueOf(output: pulumi.Output<string>): Promise<string> {
  if (await isKnownOf(output)) return new Promise((resolve) => output.apply(resolve));
  return pulumi.unknown as unknown as string;
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
  etcdHasServed: async () => Object.values(await readRecorded()).some(({ outputs }) => outputs["served"] === true),
  sendPlan: async (plan, provider) => {
    await pulumi.runtime.invoke(planFunction, { ...plan }, provider ? { provider } : {});
  },
  findBroken: async (question, provider) => {
    const answer = (await pulumi.runtime.invoke(brokenFunction, { ...question }, provider ? { provider } : {})) as {
      broken?: Readonly<Record<string, string>>;
    };
    return answer.broken ?? {};
  },
};
