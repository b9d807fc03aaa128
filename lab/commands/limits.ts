/**
 * A limit of the host that machines share: inotify instances. Each machine takes about 15 of the 128 that kernels allow
 * by default; what finds none left (kubelet, kube-proxy) ends at once and is tried again for minutes.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Progress } from "../progress.js";
import { namespaces } from "../region/region.js";

const setting = "/proc/sys/fs/inotify/max_user_instances";
/** The host's own value while a region is there; gone with the machine's next start, as the changed value is. */
const kept = "/run/corekube-inotify";
const wanted = 1024;

/** Raises the limit for as long as a region is there. A host that does not allow it goes on with what it has. */
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

/** Puts the host's own value back when no region is left. */
export async function restoreLimits(): Promise<void> {
  if (!existsSync(kept)) return;
  if ((await namespaces()).some((name) => name.startsWith("corekube-"))) return;
  writeFileSync(setting, readFileSync(kept, "utf8"));
  rmSync(kept, { force: true });
}
