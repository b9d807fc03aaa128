/**
 * After a run that was killed.
 *
 * The engine writes down that it begins to create a resource before it does. When it is killed in between, nobody knows
 * whether the cloud made the thing: the next `up` would make a second droplet, or stop at a name that is taken. In the
 * lab the answer is at hand: whatever the cloud holds under the name of an interrupted creation, and the state does not
 * know, is removed, and the engine's note with it. (On a real account a person decides: `pulumi refresh` asks.)
 */
import type { LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import type { CloudResource } from "../clouds/cloud.js";
import { cloudOf } from "../clouds/index.js";
import { pulumi, stackExists } from "./stack.js";

interface Operation {
  readonly type: string;
  readonly resource: StateResource;
}

interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
}

interface Export {
  readonly deployment: { resources?: readonly StateResource[]; pending_operations?: readonly Operation[] };
}

/** What must go: resources of the cloud that bear the name of an interrupted creation and are in no state. */
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

/** Takes away what interrupted creations left behind in the lab's cloud, and the engine's notes about them. */
export async function clearInterrupted(config: LabConfig, stack: string, progress: Progress): Promise<void> {
  if (!stackExists(config, stack)) return;
  const state = JSON.parse(await pulumi(config, ["stack", "export", "--stack", stack], { stack })) as Export;
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
  const cleared: Export = { ...state, deployment: { ...state.deployment, pending_operations: [] } };
  await pulumi(config, ["stack", "import", "--stack", stack], { stack, input: JSON.stringify(cleared) });
  progress.report(`cleared ${pending.length} interrupted operation${pending.length === 1 ? "" : "s"} from the state`);
}
