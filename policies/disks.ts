/** Disks are encrypted. DigitalOcean encrypts every volume and droplet disk by itself and offers no switch: the rule is about AWS. */
import { type Allowed, allowedNames, type Report, type Resource, resourceRule } from "./rule.js";
import { instance, launchConfiguration, launchTemplate, spotInstance } from "./types.js";
import { bag, isTrue, list, shown, unknown, type Value } from "./values.js";

interface Settings extends Allowed {
  readonly accountEncrypts: boolean;
}

/** Types with a switch of their own. */
const encryptedTypes: readonly string[] = [
  "aws:ebs/volume:Volume",
  "aws:ebs/snapshotCopy:SnapshotCopy",
  "aws:efs/fileSystem:FileSystem",
];

export const encryptedDisks = resourceRule<Settings>({
  id: "encrypted-disks",
  description: "Disks and volumes are encrypted at rest. (DigitalOcean encrypts all of them by itself.)",
  settings: {
    accountEncrypts: {
      type: "boolean",
      default: false,
      description:
        "The AWS account encrypts new EBS volumes by default: a disk that does not say may stay as it is; one that says `false` may not.",
    },
    ...allowedNames("may be unencrypted"),
  },
  check: (resource, { accountEncrypts }, report) => {
    for (const [path, value] of switches(resource)) {
      if (value === unknown || isTrue(value)) continue;
      if (value === undefined && accountEncrypts && resource.type !== "aws:efs/fileSystem:FileSystem") continue;
      say(report, path, value);
    }
  },
});

function say(report: Report, path: string, value: Value): void {
  report(`${path}: got ${shown(value)}, must be true.`);
}

/** Every switch that decides, with its path. */
function switches({ type, props }: Resource): [string, Value][] {
  if (encryptedTypes.includes(type)) return [["encrypted", props["encrypted"]]];
  if (type === "kubernetes:storage.k8s.io/v1:StorageClass") {
    return props["provisioner"] === "ebs.csi.aws.com"
      ? [["parameters.encrypted", bag(props["parameters"])["encrypted"]]]
      : [];
  }
  if (type === launchTemplate) return templateSwitches(props["blockDeviceMappings"]);
  if (type !== instance && type !== spotInstance && type !== launchConfiguration) return [];
  const root = props["rootBlockDevice"];
  // A launch template may describe the disk instead.
  const byTemplate = root === undefined && props["launchTemplate"] !== undefined;
  const further = list(props["ebsBlockDevices"]).map((device, index): [string, Value] => [
    `ebsBlockDevices[${index}].encrypted`,
    encryptedOf(device),
  ]);
  return [...(byTemplate ? [] : [["rootBlockDevice.encrypted", encryptedOf(root)] as [string, Value]]), ...further];
}

function templateSwitches(mappings: Value): [string, Value][] {
  if (mappings === unknown) return [];
  const described = list(mappings).filter(
    (mapping) => bag(mapping)["noDevice"] === undefined && bag(mapping)["virtualName"] === undefined,
  );
  if (described.length === 0) return [["blockDeviceMappings[0].ebs.encrypted", undefined]];
  return described.map((mapping, index) => [
    `blockDeviceMappings[${index}].ebs.encrypted`,
    mapping === unknown ? unknown : encryptedOf(bag(mapping)["ebs"]),
  ]);
}

function encryptedOf(device: Value): Value {
  return device === unknown ? unknown : bag(device)["encrypted"];
}
