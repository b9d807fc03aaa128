/**
 * Whether a machine may be taken away. Pure: findings in, verdict out.
 *
 * The provider gathers the findings (`provider/`). Replacements ask these gates today; changes in place can ask the same ones.
 */

export type ControlPlaneRole = "etcd" | "controller";

/** Health of one control-plane machine. */
export interface Finding {
  readonly machine: string;
  readonly role: ControlPlaneRole;
  readonly healthy: boolean;
  /** Why it is not healthy, as the machine reports it. */
  readonly reason?: string | undefined;
}

export interface Verdict {
  readonly allowed: boolean;
  /** Why it is not allowed, one line for each obstacle. */
  readonly obstacles: readonly string[];
  /** Expected downtime when there is no replica to take over. */
  readonly downtime?: string;
}

/** Members that must serve for a cluster of this size to accept writes. */
export function quorum(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * Whether a control-plane machine may be taken away.
 * @param others Every other control-plane machine. The machine's own health does not matter: a broken one is replaced too.
 */
export function mayGo(
  going: { readonly machine: string; readonly role: ControlPlaneRole },
  others: readonly Finding[],
): Verdict {
  const obstacles = others
    .filter(({ healthy }) => !healthy)
    .map(({ machine, reason }) => `${machine} is not healthy: ${reason ?? "no reason given"}`);
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
 * Whether one more worker of a pool may be taken away.
 * @param unavailable Other workers of the pool that are away or not ready, with the reason.
 */
export function mayDrain(atOnce: number, unavailable: ReadonlyMap<string, string>): Verdict {
  if (unavailable.size < atOnce) return { allowed: true, obstacles: [] };
  return {
    allowed: false,
    obstacles: [...unavailable].map(([machine, reason]) => `${machine} is not available: ${reason}`),
  };
}
