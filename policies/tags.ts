/** Every cloud resource says which cluster it belongs to. */
import { unknown } from "../components/cloud/propertyValues.js";
import { type Allowed, allowedNames, resourceRule } from "./rule.js";
import type { Clouds } from "./types.js";

interface Settings extends Allowed {
  readonly keys: readonly string[];
}

export const resourcesTagged = (clouds: Clouds) =>
  resourceRule<Settings>({
    id: "resources-tagged",
    description: "Every cloud resource whose type has tags has those of its cluster.",
    settings: {
      keys: {
        type: "array",
        items: { type: "string" },
        default: ["KubernetesCluster"],
        description: "Required keys, each with a value: key=value on AWS, key:value on DigitalOcean.",
      },
      ...allowedNames("may lack tags"),
    },
    check: (resource, { keys }, report) => {
      for (const { policy } of clouds) {
        const tags = policy.tagKeys(resource);
        if (tags === undefined || tags === unknown) continue;
        const missing = keys.filter((key) => !tags.has(key));
        if (missing.length > 0) report(`tags: ${missing.join(" and ")} missing.`);
      }
    },
  });
