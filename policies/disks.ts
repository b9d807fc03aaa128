/** Disks are encrypted. */
import { isTrue, shown, unknown } from "../components/cloud/propertyValues.js";
import { type Allowed, allowedNames, resourceRule } from "./rule.js";
import type { Clouds } from "./types.js";

interface Settings extends Allowed {
  readonly accountEncrypts: boolean;
}

export const encryptedDisks = (clouds: Clouds) =>
  resourceRule<Settings>({
    id: "encrypted-disks",
    description: "Disks and volumes are encrypted at rest. (DigitalOcean always encrypts them.)",
    settings: {
      accountEncrypts: {
        type: "boolean",
        default: false,
        description:
          "The AWS account encrypts new EBS volumes by default: a disk without the property is accepted; one with `false` is not.",
      },
      ...allowedNames("may be unencrypted"),
    },
    check: (resource, { accountEncrypts }, report) => {
      for (const { path, value, accountDefault } of clouds.flatMap(({ policy }) => policy.encryption(resource))) {
        if (value === unknown || isTrue(value)) continue;
        if (value === undefined && accountEncrypts && accountDefault) continue;
        report(`${path}: got ${shown(value)}, must be true.`);
      }
    },
  });
