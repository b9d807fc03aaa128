/**
 * Carries firewalls and load balancers to the driver whenever something they depend on has changed. Requests that come
 * while one is being carried out are answered together by the next.
 */
import { Coalesced } from "./coalesced.js";
import { dropletFirewalls, loadBalancerSpecs } from "./desired.js";
import type { Driver } from "./driver.js";
import type { Store } from "./store.js";
import { type Logger, reason } from "./tasks.js";

export class Applier {
  /** Firewalls whose last change is not applied yet. */
  private readonly waiting = new Set<string>();
  private readonly failed = new Set<string>();
  private lastFirewalls = "";
  private lastBalancers = "";
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly firewallWork = new Coalesced(() => this.applyFirewalls());
  private readonly balancerWork = new Coalesced(() => this.applyLoadBalancers());

  constructor(
    private readonly store: Store,
    private readonly driver: Driver,
    private readonly logger: Logger,
    private readonly ready: Promise<void>,
    /** How long a load balancer stays "new" after it was made, in milliseconds. */
    private readonly balancerDelay: number,
  ) {}

  /** Resolves when the rules of all droplets, as the records want them now, are in force. */
  firewalls(): Promise<void> {
    return this.firewallWork.request();
  }

  loadBalancers(): Promise<void> {
    return this.balancerWork.request();
  }

  /** Both, in the background: for changes whose answer does not wait. Failures are logged and shown by the resources. */
  changed(firewall?: string): void {
    if (firewall !== undefined) {
      this.failed.delete(firewall);
      this.waiting.add(firewall);
    }
    this.firewalls().catch((error: unknown) => this.logger.error(`firewalls: ${reason(error)}`));
    this.loadBalancers().catch((error: unknown) => this.logger.error(`load balancers: ${reason(error)}`));
  }

  firewallStatus(id: string): "waiting" | "succeeded" | "failed" {
    if (this.waiting.has(id)) return "waiting";
    return this.failed.has(id) ? "failed" : "succeeded";
  }

  /** Whether something is not in force yet, or a load balancer not active yet. */
  get busy(): boolean {
    return this.firewallWork.busy || this.balancerWork.busy || this.timers.size > 0;
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private async applyFirewalls(): Promise<void> {
    await this.ready;
    const ids = [...this.waiting];
    const wanted = dropletFirewalls(this.store.state);
    const text = JSON.stringify(wanted);
    try {
      if (text !== this.lastFirewalls) await this.driver.applyFirewalls(wanted);
      this.lastFirewalls = text;
      this.failed.clear();
    } catch (error) {
      for (const firewall of this.store.state.firewalls) this.failed.add(firewall.id);
      throw error;
    } finally {
      for (const id of ids) this.waiting.delete(id);
    }
  }

  private async applyLoadBalancers(): Promise<void> {
    await this.ready;
    const wanted = loadBalancerSpecs(this.store.state);
    const text = JSON.stringify(wanted);
    const ids = wanted.map((balancer) => balancer.id);
    try {
      if (text !== this.lastBalancers) await this.driver.applyLoadBalancers(wanted);
      this.lastBalancers = text;
      const settled = this.store.state.loadBalancers.every(
        (balancer) => balancer.status === "active" || !ids.includes(balancer.id),
      );
      if (!settled) this.later(() => this.mark(ids, "active"));
    } catch (error) {
      this.mark(ids, "errored");
      throw error;
    }
  }

  private mark(ids: readonly string[], status: "active" | "errored"): void {
    const balancers = this.store.state.loadBalancers.filter(
      (balancer) => ids.includes(balancer.id) && balancer.status !== status,
    );
    if (balancers.length === 0) return;
    for (const balancer of balancers) balancer.status = status;
    this.store.changed();
    this.store.flush().catch((error: unknown) => this.logger.error(`state file: ${reason(error)}`));
  }

  private later(work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, this.balancerDelay);
    this.timers.add(timer);
  }
}
