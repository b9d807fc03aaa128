/** The API's load balancers on AWS: network load balancers, which pass TLS and client certificates on untouched. */
import type * as pulumi from "@pulumi/pulumi";
import { Listener } from "@pulumi/aws/lb/listener.js";
import { LoadBalancer } from "@pulumi/aws/lb/loadBalancer.js";
import { TargetGroup } from "@pulumi/aws/lb/targetGroup.js";
import { TargetGroupAttachment } from "@pulumi/aws/lb/targetGroupAttachment.js";
import { apiPort } from "../cloud/firewall.js";
import { shortened, type Tags } from "./names.js";

/** Longest name that AWS takes. */
const nameLength = 32;

export interface LoadBalancerArgs {
  readonly scope: "external" | "internal";
  readonly vpcId: pulumi.Input<string>;
  readonly subnets: readonly pulumi.Input<string>[];
  readonly securityGroup: pulumi.Input<string>;
  readonly tags: Tags;
}

export interface MadeLoadBalancer {
  /** Tells the load balancers of a cluster apart. */
  readonly name: "api" | "api-internal";
  readonly dnsName: pulumi.Output<string>;
  readonly targetGroup: TargetGroup;
  readonly resources: readonly pulumi.Resource[];
}

/** Makes one as child of `opts.parent`; controllers are attached one by one. */
export function createLoadBalancer(
  what: string,
  args: LoadBalancerArgs,
  opts: pulumi.CustomResourceOptions,
): MadeLoadBalancer {
  const internal = args.scope === "internal";
  const tags = { ...args.tags, Name: what };
  const name = shortened(what, nameLength);
  const targetGroup = new TargetGroup(
    what,
    {
      name,
      vpcId: args.vpcId,
      port: apiPort,
      protocol: "TCP",
      targetType: "instance",
      // Controllers use the internal one too, and what comes back to its sender with the sender's own address is dropped. Outside, the
      // audit log shall have the administrator's address.
      preserveClientIp: internal ? "false" : "true",
      deregistrationDelay: 30,
      healthCheck: {
        enabled: true,
        protocol: "HTTPS",
        port: String(apiPort),
        path: "/readyz",
        matcher: "200",
        interval: 5,
        timeout: 3,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      },
      tags,
    },
    opts,
  );
  const loadBalancer = new LoadBalancer(
    what,
    {
      name,
      internal,
      loadBalancerType: "network",
      ipAddressType: "ipv4",
      subnets: [...args.subnets],
      securityGroups: [args.securityGroup],
      // A zone without a healthy controller is served by those of the others.
      enableCrossZoneLoadBalancing: true,
      tags,
    },
    opts,
  );
  const listener = new Listener(
    what,
    {
      loadBalancerArn: loadBalancer.arn,
      port: apiPort,
      protocol: "TCP",
      defaultActions: [{ type: "forward", targetGroupArn: targetGroup.arn }],
      tags,
    },
    opts,
  );
  return {
    name: internal ? "api-internal" : "api",
    dnsName: loadBalancer.dnsName,
    targetGroup,
    resources: [loadBalancer, listener],
  };
}

/** Lets a machine serve behind a load balancer. */
export function attach(
  what: string,
  targetGroup: TargetGroup,
  machine: pulumi.Input<string>,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  return new TargetGroupAttachment(what, { targetGroupArn: targetGroup.arn, targetId: machine, port: apiPort }, opts);
}
