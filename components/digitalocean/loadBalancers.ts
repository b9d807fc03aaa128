/** The API's load balancers on DigitalOcean. */
import * as digitalocean from "@pulumi/digitalocean";
import type * as pulumi from "@pulumi/pulumi";
import { apiPort } from "../cloud/firewall.js";

export interface LoadBalancerArgs {
  readonly scope: "external" | "internal";
  readonly region: string;
  readonly vpcId: pulumi.Input<string>;
  /** Tag of the machines that it forwards to. */
  readonly targetTag: pulumi.Input<string>;
  /** Networks that may connect; empty: all that can reach the address. */
  readonly allowedCidrs: readonly string[];
}

/** Forwards TCP, so that TLS and client certificates pass between client and API server. */
export function createLoadBalancer(
  name: string,
  args: LoadBalancerArgs,
  opts: pulumi.CustomResourceOptions,
): digitalocean.LoadBalancer {
  return new digitalocean.LoadBalancer(
    name,
    {
      name,
      region: args.region,
      vpcUuid: args.vpcId,
      network: args.scope === "internal" ? "INTERNAL" : "EXTERNAL",
      // Two nodes, so that the load balancer survives the loss of one.
      sizeUnit: 2,
      dropletTag: args.targetTag,
      forwardingRules: [{ entryProtocol: "tcp", entryPort: apiPort, targetProtocol: "tcp", targetPort: apiPort }],
      healthcheck: {
        protocol: "https",
        port: apiPort,
        path: "/readyz",
        checkIntervalSeconds: 5,
        responseTimeoutSeconds: 3,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      },
      firewall: args.allowedCidrs.length > 0 ? { allows: args.allowedCidrs.map((cidr) => `cidr:${cidr}`) } : undefined,
    },
    opts,
  );
}
