/** Object storage for a stack whose backups go to the region's own. */
import type { LabConfig } from "../config.js";
import { settingOf } from "../engine/settings.js";
import { pulumi } from "../engine/stack.js";
import type { Progress } from "../progress.js";
import { ensureObjectStorage, objectStorageUrl } from "../region/objectStorage.js";

/** Settings of backups, as far as they say where they go. */
interface Target {
  readonly enabled?: boolean;
  readonly bucket?: string;
  readonly endpoint?: string;
}

/** Starts the region's object storage if the stack's settings name it, and gives the stack the storage's key, as its user would. */
export async function provideObjectStorage(config: LabConfig, stack: string, progress: Progress): Promise<void> {
  const addons = settingOf(config, stack, "corekube:addons") as { readonly velero?: Target } | undefined;
  const target = addons?.velero;
  if (!target?.enabled || !target.bucket || target.endpoint !== objectStorageUrl(config)) return;
  const { id, secret } = await ensureObjectStorage(config, target.bucket, progress);
  for (const [name, input] of [
    ["velero:access_key_id", id],
    ["velero:secret_access_key", secret],
  ] as const) {
    if (settingOf(config, stack, name) !== undefined) continue;
    await pulumi(config, ["config", "set", "--secret", name, "--stack", stack], { stack, input });
  }
}
