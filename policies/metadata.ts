/** AWS machines answer metadata requests by IMDSv2 only, and pods cannot reach it. DigitalOcean has one metadata service without versions. */
import { type Allowed, allowedNames, resourceRule } from "./rule.js";
import { instance, launchConfiguration, launchTemplate, spotInstance } from "./types.js";
import { bag, shown, unknown } from "./values.js";

interface Settings extends Allowed {
  readonly hops: number;
}

export const instanceMetadataV2 = resourceRule<Settings>({
  id: "instance-metadata-v2",
  description:
    "AWS instances answer metadata requests with a token only (IMDSv2), and over one network hop, so that pods do not reach them.",
  settings: {
    hops: {
      type: "integer",
      minimum: 1,
      maximum: 64,
      default: 1,
      description: "Most network hops that an answer may take; a pod's network is the second.",
    },
    ...allowedNames("may answer without a token"),
  },
  check: ({ type, props }, { hops }, report) => {
    if (type !== instance && type !== spotInstance && type !== launchTemplate && type !== launchConfiguration) return;
    const options = props["metadataOptions"];
    if (options === unknown || (options === undefined && props["launchTemplate"] !== undefined)) return;
    const { httpTokens, httpEndpoint, httpPutResponseHopLimit } = bag(options);
    if (httpEndpoint === "disabled") return;
    if (httpTokens !== "required" && httpTokens !== unknown) {
      report(`metadataOptions.httpTokens: got ${shown(httpTokens)}, must be required.`);
    }
    if (typeof httpPutResponseHopLimit === "number" && httpPutResponseHopLimit > hops) {
      report(`metadataOptions.httpPutResponseHopLimit: got ${httpPutResponseHopLimit}, at most ${hops} is allowed.`);
    }
  },
});
