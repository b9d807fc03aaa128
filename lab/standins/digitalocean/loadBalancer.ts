import { isObject } from "../framework/inputs.js";
import type { Failure, Operation, Properties, State, Value } from "../framework/kind.js";
import { type Json, objectAt, valueOf } from "./client.js";
import { CloudKind } from "./cloudKind.js";
import type { Deadline } from "../framework/waiting.js";
import { fromApi, toApi } from "./words.js";

const renames = { dropletTag: "tag", healthcheck: "health_check", allows: "allow", denies: "deny" };

/** The API's defaults; the plugin sends them, so that taking an input away brings them back. */
const healthDefaults = {
  checkIntervalSeconds: 10,
  responseTimeoutSeconds: 5,
  unhealthyThreshold: 3,
  healthyThreshold: 5,
};

const switches = {
  redirectHttpToHttps: false,
  enableProxyProtocol: false,
  enableBackendKeepalive: false,
  disableLetsEncryptDnsRecords: false,
};

export class LoadBalancer extends CloudKind {
  protected readonly title = "load balancer";
  protected readonly key = "load_balancer";
  protected readonly replaces = new Set(["region", "vpcUuid", "type", "network", "networkStack", "subnetUuid"]);
  protected readonly inputs = [
    "name",
    "region",
    "sizeUnit",
    "vpcUuid",
    "network",
    "dropletTag",
    "dropletIds",
    "forwardingRules",
    "healthcheck",
    "firewall",
  ];
  protected readonly computed = [
    "ip",
    "ipv6",
    "status",
    "loadBalancerUrn",
    "vpcUuid",
    "projectId",
    "dropletIds",
    "sizeUnit",
    "httpIdleTimeoutSeconds",
  ];
  protected override readonly times = { create: 600, update: 600, delete: 300 };

  protected path(id: string): string {
    return `/v2/load_balancers/${encodeURIComponent(id)}`;
  }

  protected override problems(inputs: Properties): Failure[] {
    const failures: Failure[] = [];
    const health = inputs["healthcheck"];
    const path = isObject(health) ? (health["path"] ?? null) : null;
    if (isObject(health) && health["protocol"] === "tcp" && path !== null) {
      failures.push({
        property: "healthcheck.path",
        reason: "healthcheck.path is not allowed when the protocol is tcp",
      });
    }
    if (isObject(health) && (health["protocol"] === "http" || health["protocol"] === "https") && path === null) {
      failures.push({
        property: "healthcheck.path",
        reason: `healthcheck.path is missing: the protocol ${health["protocol"]} needs one`,
      });
    }
    if ((inputs["dropletIds"] ?? null) !== null && (inputs["dropletTag"] ?? null) !== null) {
      failures.push({
        property: "dropletTag",
        reason: "dropletTag and dropletIds exclude each other; give one of them",
      });
    }
    if ((inputs["region"] ?? null) === null && inputs["type"] !== "GLOBAL")
      failures.push({ property: "region", reason: "region is missing: only load balancers of type GLOBAL have none" });
    return failures;
  }

  protected override complete(inputs: Properties): Properties {
    return { algorithm: "round_robin", ...switches, ...inputs };
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Json> {
    return objectAt(
      await this.cloud().call("POST", "/v2/load_balancers", operation.signal, body(inputs)),
      "load_balancer",
    );
  }

  protected async change(deadline: Deadline, state: State, inputs: Properties): Promise<void> {
    await this.cloud().call("PUT", this.path(state.id), deadline.operation.signal, body(inputs));
  }

  protected override async ready(deadline: Deadline, id: string, remote: Json): Promise<Json> {
    if (remote["status"] === "active") return remote;
    return deadline.until(`load balancer ${id} to be active`, async (seen) => {
      const now = await this.get(deadline.operation, id);
      if (now["status"] === "errored") throw new Error(`the cloud could not set load balancer ${id} up`);
      seen(String(now["status"]));
      return now["status"] === "active" ? now : undefined;
    });
  }

  protected outputs(remote: Json, inputs: Properties): Properties {
    const { region, tag, ...rest } = remote;
    const all = fromApi(rest, renames);
    const { id: _id, createdAt: _created, ...properties } = isObject(all) ? all : {};
    return {
      ...properties,
      algorithm: valueOf(remote["algorithm"] ?? "round_robin"),
      region: valueOf((region as Json | undefined)?.["slug"] ?? region),
      dropletTag: valueOf(tag ?? ""),
      loadBalancerUrn: `do:loadbalancer:${String(remote["id"])}`,
      // The API answers a size for every load balancer; the provider keeps to the one that was asked by.
      size: inputs["size"] ?? null,
    };
  }

  protected override same(property: string, before: Value | undefined, after: Value | undefined): boolean {
    if ((property === "network" || property === "type") && typeof before === "string" && typeof after === "string") {
      return before.toUpperCase() === after.toUpperCase();
    }
    return super.same(property, before, after);
  }
}

function body(inputs: Properties): Json {
  const health = inputs["healthcheck"];
  const complete = {
    ...switches,
    ...inputs,
    ...(isObject(health) ? { healthcheck: { ...healthDefaults, ...health } } : {}),
  };
  return toApi(complete, renames) as Json;
}
