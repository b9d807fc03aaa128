/** Every rule of the pack, in the order of docs/policies.md. */
import { clouds } from "../components/clouds.js";
import { encryptedDisks } from "./disks.js";
import { etcdOwnVolume, oddEtcdMembers } from "./etcd.js";
import { noWildcardIam } from "./iam.js";
import { containerImagesPinned, osImagePinned } from "./images.js";
import { instanceMetadataV2 } from "./metadata.js";
import { machinesBehindFirewall, noWorldOpenAccess } from "./network.js";
import { caKeysProtected } from "./pki.js";
import { noHostPathPods, noPrivilegedPods } from "./pods.js";
import { releasesPinned } from "./releases.js";
import type { Rule } from "./rule.js";
import { resourcesTagged } from "./tags.js";
import type { Clouds } from "./types.js";
import { userDataSize, userDataWithoutSecrets } from "./userData.js";

/** @param list The clouds whose resources are checked. */
export const rulesFor = (list: Clouds): readonly Rule[] => [
  oddEtcdMembers(list),
  etcdOwnVolume(list),
  noWorldOpenAccess(list),
  machinesBehindFirewall(list),
  encryptedDisks(list),
  userDataWithoutSecrets(list),
  userDataSize(list),
  caKeysProtected,
  resourcesTagged(list),
  containerImagesPinned(list),
  osImagePinned(list),
  releasesPinned(list),
  noWildcardIam,
  noPrivilegedPods,
  noHostPathPods,
  instanceMetadataV2(list),
];

export const rules = rulesFor(clouds);
