/**
 * The gate before a machine of the control plane is taken away. Pure: findings in, verdict out.
 *
 * The provider gathers the findings (`provider/rollout`); replacement uses the verdict today, in-place changes the same one.
 */

export type ControlPlaneRole = "etcd" | "controller";

/** What one machine of the control plane says, or was said about it. */
export interface Finding {
  readonly machine: string;
  readonly role: ControlPlaneRole;
  readonly healthy: boolean;
  /** Why not, in the machine's own words. */
  readonly reason?: string;
}

export interface Verdict {
  readonly allowed: boolean;
  /** Why it is not allowed, one line for each obstacle. */
  readonly obstacles: readonly string[];
  /** What its users will notice, where something stands in for nothing. */
  readonly downtime?: string;
}

/** Members that must serve for a cluster of so many to accept writes. */
export function quorum(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * Whether a machine may go.
 * @param others every other machine of the control plane, in whatever state; its own state does not matter, for a broken one is replaced too.
 */
export function mayGo(
  going: { readonly machine: string; readonly role: ControlPlaneRole },
  others: readonly Finding[],
): Verdict {
  const obstacles = others
    .filter(({ healthy }) => !healthy)
    .map(({ machine, reason }) => `${machine} is not healthy: ${reason ?? "it gave no reason"}`);
  const peers = others.filter(({ role }) => role === going.role);
  if (peers.length === 0) {
    const downtime =
      going.role === "etcd"
        ? "it is the only etcd member: the API cannot read or write until it is back"
        : "it is the only controller: there is no API until it is back";
    return { allowed: obstacles.length === 0, obstacles, downtime };
  }
  if (going.role === "etcd") {
    const serving = peers.filter(({ healthy }) => healthy).length;
    const needed = quorum(peers.length + 1);
    if (serving < needed)
      obstacles.push(
        `etcd would lose its quorum: ${serving} of ${peers.length + 1} members would serve, ${needed} must`,
      );
  } else if (!peers.some(({ healthy }) => healthy)) {
    obstacles.push("no other controller serves the API");
  }
  return { allowed: obstacles.length === 0, obstacles };
}

/**
 * Whether one more worker of a pool may go.
 * @param unavailable workers of the pool, without this one, that are away or not ready, with the reason.
 */
export function mayDrain(atOnce: number, unavailable: ReadonlyMap<string, string>): Verdict {
  if (unavailable.size < atOnce) return { allowed: true, obstacles: [] };
  return {
    allowed: false,
    obstacles: [...unavailable].map(([machine, reason]) => `${machine} is not available: ${reason}`),
  };
}
