/**
 * Whether a machine may be taken away, or its service restarted. Pure: findings in, verdict out.
 *
 * The provider gathers the findings (`provider/`). Replacements and changes in place ask these gates.
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

/** The machine that is to be taken away or restarted. */
export interface Going {
  readonly machine: string;
  readonly role: ControlPlaneRole;
  /** Whether it serves now. */
  readonly serves: boolean;
}

/**
 * Whether a control-plane machine may be taken away.
 *
 * One that serves may go only if everything else is well. Taking away one that does not serve takes nothing away, and is how it is
 * repaired: etcd must have its quorum without it, and nothing more, whatever else is broken. That the quorum was seen also proves that
 * it is not only out of sight from here.
 * @param others Every other control-plane machine.
 */
export function mayGo(going: Going, others: readonly Finding[]): Verdict {
  const obstacles = unhealthy(others.filter(({ role }) => going.serves || role === "etcd"));
  const peers = others.filter(({ role }) => role === going.role);
  const members = others.filter(({ role }) => role === "etcd");
  const lost = lostQuorum(going.role === "etcd" ? members.length + 1 : members.length, members);
  if (!going.serves) {
    if (lost === undefined || (going.role === "etcd" && peers.length === 0)) return { allowed: true, obstacles: [] };
    return { allowed: false, obstacles: [...obstacles, lost] };
  }
  if (peers.length === 0) {
    const downtime =
      going.role === "etcd"
        ? "it is the only etcd member: the API cannot read or write until it is back"
        : "it is the only controller: there is no API until it is back";
    return { allowed: obstacles.length === 0, obstacles, downtime };
  }
  if (lost !== undefined) obstacles.push(lost);
  if (going.role === "controller" && !peers.some(({ healthy }) => healthy)) obstacles.push(noOtherController);
  return { allowed: obstacles.length === 0, obstacles };
}

/**
 * Whether the service of a control-plane machine may be restarted in place. It keeps its machine and its data, and is back in seconds;
 * in case it is not, the others of its role must do without it. One that does not serve has nothing to lose, and may need the files
 * to serve again; the only one of its role has nobody to wait for.
 * @param others Every other control-plane machine.
 */
export function mayRestart(going: Going, others: readonly Finding[]): Verdict {
  const peers = others.filter(({ role }) => role === going.role);
  const lost =
    going.role === "etcd"
      ? lostQuorum(peers.length + 1, peers)
      : peers.some(({ healthy }) => healthy)
        ? undefined
        : noOtherController;
  if (!going.serves || peers.length === 0 || lost === undefined) return { allowed: true, obstacles: [] };
  return { allowed: false, obstacles: [...unhealthy(peers), lost] };
}

const noOtherController = "no other controller serves the API";

function unhealthy(machines: readonly Finding[]): string[] {
  return machines
    .filter(({ healthy }) => !healthy)
    .map(({ machine, reason }) => `${machine} is not healthy: ${reason ?? "no reason given"}`);
}

/** Why etcd has no quorum with these members; undefined: it has. */
function lostQuorum(size: number, members: readonly Finding[]): string | undefined {
  const serving = members.filter(({ healthy }) => healthy).length;
  const needed = quorum(size);
  return serving >= needed
    ? undefined
    : `etcd would have no quorum: ${serving} of ${size} members would serve, ${needed} must`;
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
