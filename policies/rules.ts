/** Every rule of the pack, in the order of docs/policies.md. */
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
import { userDataSize, userDataWithoutSecrets } from "./userData.js";

export const rules: readonly Rule[] = [
  oddEtcdMembers,
  etcdOwnVolume,
  noWorldOpenAccess,
  machinesBehindFirewall,
  encryptedDisks,
  userDataWithoutSecrets,
  userDataSize,
  caKeysProtected,
  resourcesTagged,
  containerImagesPinned,
  osImagePinned,
  releasesPinned,
  noWildcardIam,
  noPrivilegedPods,
  noHostPathPods,
  instanceMetadataV2,
];
