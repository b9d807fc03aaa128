/** A driver without machines: records its calls, and fails or waits where a test says so. */
import type {
  Driver,
  LoadBalancerSpec,
  MachineFirewall,
  MachineSpec,
  NameSpec,
  Rules,
  VolumeSight,
  VolumeSpec,
  VpcSpec,
} from "../../lab/region/spec.js";

type Verb = Exclude<keyof Driver, "present" | "running" | "seen">;

export interface Call {
  readonly name: Verb;
  readonly arguments: readonly unknown[];
}

export class FakeDriver implements Driver {
  readonly calls: Call[] = [];
  /** Latest rules and load balancers, as a driver would have them in force. */
  firewalls: readonly MachineFirewall[] = [];
  loadBalancers: readonly LoadBalancerSpec[] = [];
  /** Machines that have powered themselves off. */
  readonly off = new Set<number>();
  /** Volumes whose file system their machine has mounted. */
  readonly mounted = new Set<string>();
  /** Volumes that machines show, with the machine. */
  private readonly shown = new Map<string, number>();
  /** What the host has of an earlier run. */
  readonly left = { machines: [] as number[], volumes: [] as string[] };
  /** Set to make a call fail: it throws what this returns. */
  failure: (name: Verb, first: unknown) => Error | undefined = () => undefined;
  /** Set to hold calls up until the promise resolves. */
  wait: (name: Verb, first: unknown) => Promise<void> = () => Promise.resolve();

  /** First arguments of all calls of one kind, in order. */
  argumentsOf<T>(name: Verb): T[] {
    return this.calls.filter((call) => call.name === name).map((call) => call.arguments[0] as T);
  }

  /** Calls for machines and volumes, in order. */
  names(): string[] {
    return this.calls.map((call) => call.name).filter((name) => /machine|volume/i.test(name));
  }

  present = () => Promise.resolve(this.left);
  networks = (vpcs: readonly VpcSpec[]) => this.record("networks", vpcs);
  machine = (spec: MachineSpec, volumes: readonly VolumeSpec[]) => this.record("machine", spec, volumes);
  removeMachine = (id: number) => this.record("removeMachine", id);
  removeVolume = (id: string) => this.record("removeVolume", id);
  running = (id: number): boolean => !this.off.has(id);

  seen = ({ id, machineId }: Pick<VolumeSpec, "id" | "machineId">): Promise<VolumeSight> =>
    Promise.resolve(
      machineId === null || this.shown.get(id) !== machineId ? "absent" : this.mounted.has(id) ? "mounted" : "shown",
    );

  async volume(spec: VolumeSpec): Promise<void> {
    await this.record("volume", spec);
    if (spec.leaving === true && this.mounted.has(spec.id)) throw new Error("mounted");
    if (spec.machineId === null || spec.leaving === true) this.shown.delete(spec.id);
    else this.shown.set(spec.id, spec.machineId);
  }

  async rules(rules: Rules): Promise<void> {
    await this.record("rules", rules);
    this.firewalls = rules.firewalls;
  }

  async balancers(balancers: readonly LoadBalancerSpec[], vpcs: readonly VpcSpec[]): Promise<void> {
    await this.record("balancers", balancers, vpcs);
    this.loadBalancers = balancers;
  }

  resolve = (names: readonly NameSpec[]) => this.record("resolve", names);

  private async record(name: Verb, ...args: readonly unknown[]): Promise<void> {
    this.calls.push({ name, arguments: structuredClone(args) });
    await this.wait(name, args[0]);
    const error = this.failure(name, args[0]);
    if (error) throw error;
  }
}
