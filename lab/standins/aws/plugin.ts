import { version } from "@pulumi/aws/package.json";
import type { Failure, Plugin } from "../../../provider/rpc/kind.js";
import type { Properties } from "../../../provider/rpc/properties.js";
import { standIn } from "../framework/standIn.js";
import { bags, isGiven, text } from "../framework/values.js";
import { Cloud, type Endpoints } from "./cloud.js";
import { functions } from "./functions.js";
import * as iam from "./iam.js";
import { instance } from "./instance.js";
import * as balancing from "./loadBalancing.js";
import * as network from "./network.js";
import * as routing from "./routing.js";
import * as security from "./security.js";
import * as targets from "./targetGroup.js";
import * as volumes from "./volumes.js";

/** The stand-in never does what these skip; any other value would be ignored. */
const skipped = ["skipCredentialsValidation", "skipRequestingAccountId", "skipMetadataApiCheck"];

/** @param env Where the region and credentials are looked for when the provider's settings have none. */
export function createPlugin(env: NodeJS.ProcessEnv): Plugin<Cloud> {
  return standIn({
    name: "aws",
    version,
    kinds: {
      "aws:ec2/vpc:Vpc": network.vpc,
      "aws:ec2/subnet:Subnet": network.subnet,
      "aws:ec2/internetGateway:InternetGateway": network.internetGateway,
      "aws:ec2/eip:Eip": network.eip,
      "aws:ec2/natGateway:NatGateway": network.natGateway,
      "aws:ec2/routeTable:RouteTable": routing.routeTable,
      "aws:ec2/route:Route": routing.route,
      "aws:ec2/routeTableAssociation:RouteTableAssociation": routing.routeTableAssociation,
      "aws:ec2/securityGroup:SecurityGroup": security.securityGroup,
      "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": security.rule("Ingress"),
      "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": security.rule("Egress"),
      "aws:ec2/keyPair:KeyPair": security.keyPair,
      "aws:ec2/instance:Instance": instance,
      "aws:ebs/volume:Volume": volumes.volume,
      "aws:ec2/volumeAttachment:VolumeAttachment": volumes.volumeAttachment,
      "aws:lb/loadBalancer:LoadBalancer": balancing.loadBalancer,
      "aws:lb/targetGroup:TargetGroup": targets.targetGroup,
      "aws:lb/listener:Listener": balancing.listener,
      "aws:lb/targetGroupAttachment:TargetGroupAttachment": targets.targetGroupAttachment,
      "aws:iam/role:Role": iam.role,
      "aws:iam/rolePolicy:RolePolicy": iam.rolePolicy,
      "aws:iam/instanceProfile:InstanceProfile": iam.instanceProfile,
    },
    functions,
    settings: ["region", "accessKey", "secretKey", "endpoints", ...skipped, "skipRegionValidation"],
    secretSettings: ["accessKey", "secretKey"],
    problems,
    // The same names elsewhere would be other things.
    replacesOn: (setting, before, after) =>
      setting === "region" && isGiven(before["region"]) && isGiven(after["region"]),
    configure: (settings) => {
      const region = text(settings["region"]) ?? text(env["AWS_REGION"]) ?? text(env["AWS_DEFAULT_REGION"]);
      if (region === undefined)
        throw new Error(
          "no region for AWS; set aws:region in the stack's configuration, or AWS_REGION in the environment",
        );
      const [accessKeyId, secretAccessKey] = [text(settings["accessKey"]), text(settings["secretKey"])];
      const credentials =
        accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey };
      return new Cloud(region, endpointsOf(settings), credentials);
    },
  });
}

function problems(settings: Properties): Failure[] {
  return [
    ...skipped
      .filter((name) => settings[name] === false)
      .map((property) => ({
        property,
        reason: `${property}: got false; the lab's stand-in never checks it, set true`,
      })),
    ...Object.entries(endpointsOf(settings))
      .filter(([, address]) => typeof address === "string" && !URL.canParse(address))
      .map(([name, address]) => ({
        property: "endpoints",
        reason: `endpoints[0].${name}: got ${JSON.stringify(address)}; it must be a URL such as https://ec2.eu-central-1.amazonaws.com`,
      })),
  ];
}

function endpointsOf(settings: Properties): Endpoints {
  return Object.assign({}, ...bags(settings["endpoints"])) as Endpoints;
}
