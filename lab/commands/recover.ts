/**
 * Recovery from a run that was killed.
 *
 * The engine records in the state that it is about to create a resource. When it is killed before it records the result, the
 * resource may exist: the next `up` would create a second droplet, or fail because the name is taken. The lab's cloud can be
 * asked: a resource with the name of an interrupted creation that is not in the state is removed, and so is the record. (On a
 * real account a person decides: `pulumi refresh` asks.)
 */
import type { LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import type { CloudResource } from "../clouds/cloud.js";
import { cloudOf } from "../clouds/index.js";
import { exportStack, pulumi, stackExists, type StateResource } from "../engine/stack.js";

interface Operation {
  readonly type: string;
  readonly resource: StateResource;
}

interface Deployment {
  readonly resources?: readonly StateResource[];
  readonly pending_operations?: readonly Operation[];
}

/** Resources of the cloud that have the name of an interrupted creation and are not in the state. */
export function orphansOf(
  operation: Operation,
  known: ReadonlySet<string>,
  existing: readonly CloudResource[],
): readonly CloudResource[] {
  const { name, keyName, tags } = (operation.resource.inputs ?? {}) as {
    readonly name?: unknown;
    readonly keyName?: unknown;
    readonly tags?: Readonly<Record<string, unknown>>;
  };
  const wanted = name ?? keyName ?? (Array.isArray(tags) ? undefined : tags?.["Name"]);
  if (wanted === undefined || wanted === "") return [];
  return existing.filter((item) => item.name === wanted && !known.has(item.id));
}

/** Removes what interrupted creations left behind in the lab's cloud, and their records in the state. */
export async function clearInterrupted(config: LabConfig, stack: string, progress: Progress): Promise<void> {
  if (!stackExists(config, stack)) return;
  const state = await exportStack<Deployment>(config, stack);
  const pending = state.deployment.pending_operations ?? [];
  if (pending.length === 0) return;
  const { resourceTypes } = cloudOf(config);
  const cloud = cloudOf(config).client(config);
  const known = new Set((state.deployment.resources ?? []).flatMap((resource) => (resource.id ? [resource.id] : [])));
  for (const operation of pending) {
    const kind = resourceTypes[operation.resource.type];
    if (operation.type !== "creating" || !kind) continue;
    for (const orphan of orphansOf(operation, known, await cloud.list(kind))) {
      progress.report(`removing ${orphan.name} (${orphan.id}), left behind by an interrupted creation`);
      await cloud.remove(kind, orphan.id);
    }
  }
  const cleared = { ...state, deployment: { ...state.deployment, pending_operations: [] } };
  await pulumi(config, ["stack", "import", "--stack", stack], { stack, input: JSON.stringify(cleared) });
  progress.report(`cleared ${pending.length} interrupted operation${pending.length === 1 ? "" : "s"} from the state`);
}
