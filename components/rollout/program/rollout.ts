/**
 * The order of a run, inside the engine's program: a machine that serves is not registered before it is its turn.
 *
 * Registration is what makes the engine replace a machine, so that holding it back holds back everything else. It is not written
 * as `dependsOn`: that would hold for the first creation and for a teardown too. See docs/decisions/rollout.md.
 */
import * as pulumi from "@pulumi/pulumi";
import type { ClusterSpec, NodePoolSpec } from "../../spec/cluster.js";
import { machineNames } from "../../spec/names.js";
import { next, type Stages, type Standing } from "../order.js";
import { readRoster, type Roster } from "./servingMachines.js";

/** The stages of a cluster: what others stand on comes first. */
export function stagesOf(
  spec: Pick<ClusterSpec, "name" | "etcd" | "controllers" | "workers" | "publicWorkers" | "maxUnavailable">,
): Stages {
  const pool = (name: string, machines: readonly string[], atOnce: number) => ({ name, machines, atOnce });
  const nodes = (of: NodePoolSpec) => pool(of.pool, machineNames(spec.name, of), Math.max(1, spec.maxUnavailable));
  return [
    [pool("etcd", machineNames(spec.name, spec.etcd), 1)],
    [pool("controller", machineNames(spec.name, spec.controllers), 1)],
    [nodes(spec.workers), nodes(spec.publicWorkers)],
  ];
}

/** How a run learns what there was before it, and tells the provider. Tests put their own in place. */
export interface RolloutSource {
  /** Machines that served before this run. */
  roster(): Promise<Roster>;
  /** Tells the provider which machines stay: it guards their deletion, which can only be part of a replacement. */
  announce(stages: Stages, roster: Roster, provider?: pulumi.ProviderResource): Promise<void>;
}

interface Turn {
  readonly taken: Promise<void>;
  readonly take: () => void;
  readonly refuse: (reason: Error) => void;
}

export class Rollout {
  readonly #roster: Promise<Roster>;
  readonly #turns = new Map<string, Turn>();
  readonly #standing = new Map<string, Standing>();
  readonly #announced: Promise<void>[] = [];
  /** Without an order: a preview touches nothing, and waits for nothing. */
  readonly #unordered: boolean;

  constructor(
    private readonly stages: Stages,
    private readonly source: RolloutSource = engineSource,
    preview = pulumi.runtime.isDryRun(),
  ) {
    this.#unordered = preview;
    for (const machine of stages.flat().flatMap((pool) => pool.machines)) this.#turns.set(machine, newTurn());
    // A preview asks too, though it needs no answer: what it asks with is part of the plan that an update may be held to.
    this.#roster = preview
      ? source.roster().then(
          () => new Map<string, never>(),
          () => new Map<string, never>(),
        )
      : this.#begin();
    // Whoever waits for its turn says it too.
    this.#roster.catch((error: Error) => this.#turns.forEach((turn) => turn.refuse(error)));
  }

  /**
   * Announces the machines to an explicit provider too: each has a process of its own. Serving machines whose turn is asked for from
   * now on wait for it; new ones do not, since nothing of them can be deleted.
   */
  announceTo(provider: pulumi.ProviderResource): void {
    if (this.#unordered) return;
    const announced = this.#roster.then((roster) => this.source.announce(this.stages, roster, provider));
    announced.catch((error: Error) => this.#refuse(error));
    this.#announced.push(announced);
  }

  /** Resolves when the machine may be touched. */
  async turn(machine: string): Promise<void> {
    if (this.#unordered) return;
    const turn = this.#turns.get(machine);
    if (!turn) throw new Error(`${machine}: is in no pool of the rollout; this is a defect of the program`);
    const announced = [...this.#announced];
    await turn.taken;
    if ((await this.#roster).has(machine)) await Promise.all(announced);
  }

  /** `value`, known as soon as it is the machine's turn. */
  inTurn<Value>(machine: string, value: Value): pulumi.Output<Value> {
    return pulumi.output(this.turn(machine).then(() => value)) as pulumi.Output<Value>;
  }

  /** Says that the machine serves once `proof` is known; the others may go on then. */
  servesWith(machine: string, proof: pulumi.Output<unknown>): void {
    if (this.#unordered) return;
    const { isKnown } = proof as unknown as { readonly isKnown: Promise<boolean> };
    void isKnown.then(
      (known) => {
        if (known) {
          this.#standing.set(machine, "done");
          this.#proceed();
        } else {
          this.#refuse(new Error(`${machine} failed before`));
        }
      },
      (error: Error) => this.#refuse(error),
    );
  }

  /**
   * A machine's address as another one must know it before all machines of this run are made: of one that served before, the
   * recorded address, so that nobody waits for a machine that waits for its own turn.
   */
  addressOf(machine: string, made: pulumi.Output<string>): pulumi.Output<string> {
    return pulumi.output(this.#roster.then((roster) => roster.get(machine)?.address ?? made));
  }

  async #begin(): Promise<Roster> {
    const roster = await this.source.roster();
    for (const machine of this.#turns.keys()) this.#standing.set(machine, roster.has(machine) ? "waiting" : "absent");
    await this.source.announce(this.stages, roster);
    this.#proceed();
    return roster;
  }

  #proceed(): void {
    for (const machine of next(this.stages, (name) => this.#standing.get(name) ?? "absent")) {
      if (this.#standing.get(machine) === "waiting") this.#standing.set(machine, "touched");
      this.#turns.get(machine)?.take();
    }
  }

  #refuse(reason: Error): void {
    for (const [machine, turn] of this.#turns)
      turn.refuse(
        new Error(`${machine}: left as it is, because ${reason.message}. Mend that, then run \`pulumi up\` again.`),
      );
  }
}

function newTurn(): Turn {
  let take = (): void => undefined;
  let refuse: Turn["refuse"] = () => undefined;
  const taken = new Promise<void>((resolve, reject) => {
    take = resolve;
    refuse = reject;
  });
  // Nobody may be waiting.
  taken.catch(() => undefined);
  return { taken, take, refuse };
}

const engineSource: RolloutSource = {
  roster: readRoster,
  announce: async (stages, roster, provider) => {
    const machines = stages
      .flat()
      .flatMap((pool) =>
        pool.machines.map((machine) => ({ machine, pool: pool.name, atOnce: pool.atOnce, ...roster.get(machine) })),
      );
    await pulumi.runtime.invoke("corekube:rollout:announce", { machines }, provider ? { provider } : {});
  },
};
