/** Firewalls and load balancers: whether the region has followed their records. */
import { type Logger, type Synchroniser, line, reason } from "../../region/synchroniser.js";
import type { Store } from "./store.js";

export class AppliedState {
  /** Firewalls whose last change is not in force yet, with the number of changes. */
  private readonly waiting = new Map<string, number>();
  private readonly failed = new Set<string>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private underWay = 0;

  constructor(
    private readonly store: Store,
    private readonly region: Synchroniser,
    private readonly logger: Logger,
    /** How long a load balancer stays "new" after it was made, in milliseconds. */
    private readonly balancerDelay: number,
  ) {}

  /** A record has changed that rules or load balancers follow from; `firewall`: it was that one. */
  changed(firewall?: string): void {
    this.store.changed();
    if (firewall !== undefined) {
      this.failed.delete(firewall);
      this.waiting.set(firewall, (this.waiting.get(firewall) ?? 0) + 1);
    }
    const { firewalls, loadBalancers } = this.store.state;
    const balancers = loadBalancers.map(({ id }) => id);
    this.underWay += 1;
    this.region
      .changed()
      .then(async (pass) => {
        const [rules, balanced] = await Promise.allSettled([pass.of(line.rules), pass.of(line.balancers)]);
        if (rules.status === "fulfilled") this.failed.clear();
        else for (const { id } of firewalls) this.failed.add(id);
        if (balanced.status === "rejected") this.mark(balancers, "errored");
        else this.activate(balancers);
      })
      .catch((error: unknown) => this.logger.error(`state: ${reason(error)}`))
      .finally(() => {
        this.underWay -= 1;
        if (firewall === undefined) return;
        const left = (this.waiting.get(firewall) ?? 1) - 1;
        if (left === 0) this.waiting.delete(firewall);
        else this.waiting.set(firewall, left);
      });
  }

  firewallStatus(id: string): "waiting" | "succeeded" | "failed" {
    if (this.waiting.has(id)) return "waiting";
    return this.failed.has(id) ? "failed" : "succeeded";
  }

  /** Whether something is not in force yet, or a load balancer not active yet. */
  get busy(): boolean {
    return this.underWay > 0 || this.timers.size > 0;
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private activate(ids: readonly string[]): void {
    if (this.store.state.loadBalancers.every(({ id, status }) => status === "active" || !ids.includes(id))) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.mark(ids, "active");
    }, this.balancerDelay);
    this.timers.add(timer);
  }

  private mark(ids: readonly string[], status: "active" | "errored"): void {
    for (const balancer of this.store.state.loadBalancers) if (ids.includes(balancer.id)) balancer.status = status;
    this.store.changed();
    this.store.flush().catch((error: unknown) => this.logger.error(`state file: ${reason(error)}`));
  }
}
