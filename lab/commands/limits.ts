/**
 * A limit of the host that all machines share: inotify instances. Each machine needs about 15 of the default 128; without a
 * free one kubelet and kube-proxy exit and are restarted for minutes.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Progress } from "../progress.js";
import { namespaces } from "../region/region.js";

const setting = "/proc/sys/fs/inotify/max_user_instances";
/** The host's original value while a region exists; lost on reboot, as the changed value is. */
const kept = "/run/corekube-inotify";
const wanted = 1024;

/** Raises the limit while a region exists. A host that does not allow it keeps its value. */
export function raiseLimits(progress: Progress): void {
  const now = Number(readFileSync(setting, "utf8"));
  if (now >= wanted) return;
  try {
    if (!existsSync(kept)) writeFileSync(kept, `${now}\n`);
    writeFileSync(setting, `${wanted}\n`);
    progress.report(`fs.inotify.max_user_instances: ${now} -> ${wanted}, until the last region is removed`);
  } catch (error) {
    progress.report(
      `fs.inotify.max_user_instances stays at ${now}, enough for one small region (${error instanceof Error ? error.message : String(error)})`,
    );
  }
}

/** Restores the host's original value when no region is left. */
export async function restoreLimits(): Promise<void> {
  if (!existsSync(kept)) return;
  if ((await namespaces()).some((name) => name.startsWith("corekube-"))) return;
  writeFileSync(setting, readFileSync(kept, "utf8"));
  rmSync(kept, { force: true });
}
