import { DiffResponse, PropertyDiff } from "@pulumi/pulumi/proto/provider_pb.js";
import type { Difference } from "./kind.js";

const KINDS = {
  add: [PropertyDiff.Kind.ADD, PropertyDiff.Kind.ADD_REPLACE],
  update: [PropertyDiff.Kind.UPDATE, PropertyDiff.Kind.UPDATE_REPLACE],
  delete: [PropertyDiff.Kind.DELETE, PropertyDiff.Kind.DELETE_REPLACE],
} as const;

/** A list of changes in the engine's form. */
export function diffResponse(difference: Difference): DiffResponse {
  const response = new DiffResponse();
  const { changes } = difference;
  response.setChanges(changes.length > 0 ? DiffResponse.DiffChanges.DIFF_SOME : DiffResponse.DiffChanges.DIFF_NONE);
  response.setDeletebeforereplace(difference.deleteBeforeReplace);
  response.setHasdetaileddiff(true);
  for (const change of changes) {
    const detail = new PropertyDiff();
    detail.setKind(KINDS[change.kind][change.replace ? 1 : 0]);
    detail.setInputdiff(change.input ?? true);
    response.getDetaileddiffMap().set(change.path, detail);
    // These lists, unlike the details, are of top-level properties.
    const property = change.path.split("[")[0] ?? change.path;
    if (!response.getDiffsList().includes(property)) response.addDiffs(property);
    if (change.replace && !response.getReplacesList().includes(property)) response.addReplaces(property);
  }
  return response;
}
