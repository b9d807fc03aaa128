/** Versions of the API that clients use and a run would remove: named before anything is changed. */
import * as pulumi from "@pulumi/pulumi";
import { configError } from "../components/cloud/configError.js";
import type { RecordedState } from "../components/cloud/recordedState.js";
import { askForRemovedApis } from "../components/releases/removedApis.js";
import type { ClusterSpec } from "../components/spec/cluster.js";
import { refusedRemovals, removalsOf, remarksOnRemovals } from "../components/spec/removals.js";
import type { RecordedReleases } from "../components/spec/upgrade.js";
import { SettingsError } from "./settings/settingsError.js";

/**
 * Asks the cluster where a run begins to serve another minor version of the API.
 * @throws pulumi.RunError when clients use what that removes, and the stack does not accept it.
 */
export async function requireUnusedRemovals(
  spec: ClusterSpec,
  recorded: RecordedReleases,
  state: RecordedState,
): Promise<void> {
  const removals = removalsOf(spec, recorded);
  if (removals === undefined) return;
  const used = await askForRemovedApis(spec, removals, state);
  const refused = refusedRemovals(spec, removals, used);
  if (refused !== undefined) throw configError(new SettingsError([refused]).message);
  for (const remark of remarksOnRemovals(removals, used)) void pulumi.log.warn(remark);
}
