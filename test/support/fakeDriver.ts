/** A driver without machines: records what it was told, and fails or waits where a test says so. */
import type {
  DesiredState,
  Driver,
  DropletFirewall,
  DropletSpec,
  LoadBalancerSpec,
  VolumeSpec,
  VpcSpec,
} from "../../lab/clouds/digitalocean/driver.js";

export interface Call {
  readonly name: keyof Driver;
  readonly arguments: readonly unknown[];
}

export class FakeDriver implements Driver {
  readonly calls: Call[] = [];
  /** Latest rules and load balancers, as a driver would have them in force. */
  firewalls: readonly DropletFirewall[] = [];
  loadBalancers: readonly LoadBalancerSpec[] = [];
  /** Machines that have powered themselves off. */
  readonly off = new Set<number>();
  /** Set to make a call fail: it throws what this returns. */
  failure: (name: keyof Driver, first: unknown) => Error | undefined = () => undefined;
  /** Set to hold calls up until the promise resolves. */
  wait: (name: keyof Driver, first: unknown) => Promise<void> = () => Promise.resolve();

  /** First arguments of all calls of one kind, in order. */
  argumentsOf<T>(name: keyof Driver): T[] {
    return this.calls.filter((call) => call.name === name).map((call) => call.arguments[0] as T);
  }

  /** Names of all calls, in order, without the ones that repeat after every change. */
  names(): string[] {
    return this.calls
      .map((call) => call.name)
      .filter((name) => name !== "applyFirewalls" && name !== "applyLoadBalancers");
  }

  createVpc = (vpc: VpcSpec) => this.record("createVpc", vpc);
  deleteVpc = (id: string) => this.record("deleteVpc", id);
  createDroplet = (droplet: DropletSpec) => this.record("createDroplet", droplet);
  deleteDroplet = (id: number) => this.record("deleteDroplet", id);
  powerOn = (droplet: DropletSpec) => this.record("powerOn", droplet);
  powerOff = (id: number) => this.record("powerOff", id);
  shutdown = (id: number) => this.record("shutdown", id);
  reboot = (droplet: DropletSpec) => this.record("reboot", droplet);
  readdress = (droplet: DropletSpec) => this.record("readdress", droplet);
  running = (id: number): boolean => !this.off.has(id);
  createVolume = (volume: VolumeSpec) => this.record("createVolume", volume);
  deleteVolume = (id: string) => this.record("deleteVolume", id);
  attachVolume = (volume: VolumeSpec, dropletId: number) => this.record("attachVolume", volume, dropletId);
  detachVolume = (volume: VolumeSpec, dropletId: number) => this.record("detachVolume", volume, dropletId);
  reconcile = (desired: DesiredState) => this.record("reconcile", desired);
  removeAll = () => this.record("removeAll");

  async applyFirewalls(firewalls: readonly DropletFirewall[]): Promise<void> {
    await this.record("applyFirewalls", firewalls);
    this.firewalls = firewalls;
  }

  async applyLoadBalancers(loadBalancers: readonly LoadBalancerSpec[]): Promise<void> {
    await this.record("applyLoadBalancers", loadBalancers);
    this.loadBalancers = loadBalancers;
  }

  private async record(name: keyof Driver, ...args: readonly unknown[]): Promise<void> {
    this.calls.push({ name, arguments: structuredClone(args) });
    await this.wait(name, args[0]);
    const error = this.failure(name, args[0]);
    if (error) throw error;
  }
}
