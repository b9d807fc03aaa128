import { type Kind, type Plugin } from "../framework/kind.js";
import { sdkDeclaration } from "../framework/types.js";
import { Eip, NatGateway } from "./addresses.js";
import { Cloud } from "./cloud.js";
import { answer } from "./functions.js";
import { InstanceProfile, Role, RolePolicy } from "./iam.js";
import { Instance } from "./instance.js";
import { KeyPair } from "./keyPair.js";
import { Listener } from "./listener.js";
import { LoadBalancer } from "./loadBalancer.js";
import { InternetGateway, Subnet, Vpc } from "./network.js";
import { Route, RouteTable, RouteTableAssociation } from "./routes.js";
import { SecurityGroup, SecurityGroupRule } from "./securityGroup.js";
import { readSettings, settingsProblems } from "./settings.js";
import { TargetGroup, TargetGroupAttachment } from "./targetGroup.js";
import { Volume, VolumeAttachment } from "./volume.js";

/** @param env Where the region is looked for when the provider's settings have none; credentials too, by the SDK. */
export function createPlugin(env: NodeJS.ProcessEnv): Plugin {
  let configured: Cloud | undefined;

  function cloud(): Cloud {
    if (configured === undefined)
      throw new Error(
        "no region for AWS; set aws:region in the stack's configuration, or AWS_REGION in the environment",
      );
    return configured;
  }

  const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
    ["aws:ec2/vpc:Vpc", new Vpc(cloud)],
    ["aws:ec2/subnet:Subnet", new Subnet(cloud)],
    ["aws:ec2/internetGateway:InternetGateway", new InternetGateway(cloud)],
    ["aws:ec2/routeTable:RouteTable", new RouteTable(cloud)],
    ["aws:ec2/route:Route", new Route(cloud)],
    ["aws:ec2/routeTableAssociation:RouteTableAssociation", new RouteTableAssociation(cloud)],
    ["aws:ec2/eip:Eip", new Eip(cloud)],
    ["aws:ec2/natGateway:NatGateway", new NatGateway(cloud)],
    ["aws:ec2/securityGroup:SecurityGroup", new SecurityGroup(cloud)],
    ["aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", new SecurityGroupRule(cloud, "ingress")],
    ["aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", new SecurityGroupRule(cloud, "egress")],
    ["aws:ec2/keyPair:KeyPair", new KeyPair(cloud)],
    ["aws:ec2/instance:Instance", new Instance(cloud)],
    ["aws:ebs/volume:Volume", new Volume(cloud)],
    ["aws:ec2/volumeAttachment:VolumeAttachment", new VolumeAttachment(cloud)],
    ["aws:lb/loadBalancer:LoadBalancer", new LoadBalancer(cloud)],
    ["aws:lb/targetGroup:TargetGroup", new TargetGroup(cloud)],
    ["aws:lb/listener:Listener", new Listener(cloud)],
    ["aws:lb/targetGroupAttachment:TargetGroupAttachment", new TargetGroupAttachment(cloud)],
    ["aws:iam/role:Role", new Role(cloud)],
    ["aws:iam/rolePolicy:RolePolicy", new RolePolicy(cloud)],
    ["aws:iam/instanceProfile:InstanceProfile", new InstanceProfile(cloud)],
  ]);

  return {
    name: "aws",
    sdk: "@pulumi/aws",
    kind: (type) => kinds.get(type),
    offered: [...kinds.keys()].join(", "),
    declaration: sdkDeclaration,
    functionDeclaration: sdkDeclaration,
    secretSettings: new Set(["accessKey", "secretKey", "token"]),
    checkConfig: settingsProblems,
    // The same names elsewhere would be other things.
    replacesOn: (setting, olds, news) =>
      setting === "region" && olds["region"] !== undefined && news["region"] !== undefined,
    configure: async (given) => {
      const settings = readSettings(given, env);
      if (settings === undefined) return;
      if (settings.skipMetadataApiCheck) env["AWS_EC2_METADATA_DISABLED"] ??= "true";
      const fresh = new Cloud(settings);
      await fresh.identify(AbortSignal.timeout(60_000));
      configured = fresh;
    },
    invoke: (token, args, signal) => answer(cloud(), token, args, signal),
  };
}
