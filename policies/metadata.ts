/** Machines answer metadata requests by IMDSv2 only, and not to pods, where the cloud has such options. */
import { bag, shown, unknown } from "../components/cloud/propertyValues.js";
import { type Allowed, allowedNames, resourceRule } from "./rule.js";
import { type Clouds, machineTypes } from "./types.js";

interface Settings extends Allowed {
  readonly hops: number;
}

export const instanceMetadataV2 = (clouds: Clouds) =>
  resourceRule<Settings>({
    id: "instance-metadata-v2",
    description:
      "AWS instances answer metadata requests with a token only (IMDSv2), and over one network hop, so that pods cannot reach it.",
    settings: {
      hops: {
        type: "integer",
        minimum: 1,
        maximum: 64,
        default: 1,
        description: "Maximum number of network hops of an answer; a pod's network is the second.",
      },
      ...allowedNames("may answer without a token"),
    },
    check: ({ type, props }, { hops }, report) => {
      if (machineTypes(clouds)[type]?.metadataOptions !== true) return;
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
