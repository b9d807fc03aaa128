import { isObject } from "../framework/values.js";
import { type Json, valueOf } from "./client.js";
import { rest } from "./kind.js";
import { fromApi, toApi } from "./words.js";

const renames = { dropletTag: "tag", healthcheck: "health_check", allows: "allow" };
const body = (inputs: Parameters<typeof toApi>[0]): Json => toApi(inputs, renames) as Json;

export const loadBalancer = rest(
  { path: "/v2/load_balancers", key: "load_balancer", body },
  {
    title: "load balancer",
    inputs: {
      name: "update",
      region: "replace",
      vpcUuid: "replace",
      network: "replace",
      sizeUnit: "update",
      dropletTag: "update",
      forwardingRules: ["update", "entryProtocol", "entryPort", "targetProtocol", "targetPort"],
      healthcheck: [
        "update",
        "protocol",
        "port",
        "path",
        "checkIntervalSeconds",
        "responseTimeoutSeconds",
        "healthyThreshold",
        "unhealthyThreshold",
      ],
      "firewall?": ["update", "allows"],
    },
    computed: ["ip", "status"],
    pending: ({ status }, id) => {
      if (status === "errored") throw new Error(`the cloud could not set up load balancer ${id}`);
      return status === "active" ? undefined : String(status);
    },
    outputs: ({ region, tag, ...remote }) => {
      const all = fromApi(remote, renames);
      const { id: _id, createdAt: _created, ...properties } = isObject(all) ? all : {};
      return {
        ...properties,
        region: valueOf((region as Json | undefined)?.["slug"] ?? region),
        dropletTag: valueOf(tag ?? ""),
      };
    },
    same: (name, before, after) =>
      name === "network" && typeof before === "string" && typeof after === "string"
        ? before.toUpperCase() === after.toUpperCase()
        : undefined,
    converge: async ({ cloud }, id, _remote, inputs, changed) => {
      if (changed !== undefined) await cloud.call("PUT", `/v2/load_balancers/${id}`, body(inputs));
    },
  },
);
