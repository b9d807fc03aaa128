/** How many operations the engine carries out at the same time, and how many a rollout needs. */
import * as pulumi from "@pulumi/pulumi";
import { quorum } from "../gates.js";

/** Set by the SDK's runner from what the engine tells it (`--parallel`). */
const variable = "PULUMI_NODEJS_PARALLEL";

/**
 * Refuses a run that could never end: members that start together (a new cluster, expired certificates) serve only once most of them
 * have started, and each occupies an operation of the engine until it serves.
 * @param members Of etcd.
 * @throws pulumi.RunError
 */
export function requireParallelism(members: number, allowed = Number(process.env[variable])): void {
  const needed = quorum(members);
  // Not a number: an engine that does not say it.
  if (!(allowed < needed)) return;
  throw new pulumi.RunError(
    `--parallel: got ${allowed}; allowed: ${needed} or more, because ${needed} of the ${members} etcd members must start at the same time ` +
      `before one of them serves. Nothing was changed. Run: pulumi up --parallel ${needed}`,
  );
}
