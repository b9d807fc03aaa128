/**
 * Which changes replace a resource: the official plugins' rules, repeated on purpose. A stand-in that changed in place what the cloud's
 * plugin replaces would hide the end of a machine.
 *
 * Sources: `willReplaceOnChanges` in provider/cmd/pulumi-resource-digitalocean/schema.json of github.com/pulumi/pulumi-digitalocean;
 * `ForceNew` and `RequiresReplace` of the resources in internal/service of github.com/hashicorp/terraform-provider-aws; `forceNew` in
 * provider/pkg/provider/diff.go of github.com/pulumi/pulumi-kubernetes.
 */
import assert from "node:assert/strict";
import * as aws from "../../../lab/standins/aws/plugin.js";
import * as digitalocean from "../../../lab/standins/digitalocean/plugin.js";
import { plugin as kubernetes } from "../../../lab/standins/kubernetes/plugin.js";
import type { Kind } from "../../../provider/rpc/kind.js";
import type { Properties } from "../../../provider/rpc/properties.js";

/** Inputs that the program uses. */
const official: Readonly<Record<string, readonly string[]>> = {
  "digitalocean:index/vpc:Vpc": ["ipRange", "region"],
  "digitalocean:index/tag:Tag": ["name"],
  "digitalocean:index/sshKey:SshKey": ["publicKey"],
  "digitalocean:index/droplet:Droplet": [
    ...["dropletAgent", "image", "monitoring", "region", "sshKeys", "userData", "vpcUuid"],
  ],
  "digitalocean:index/volume:Volume": ["description", "name", "region"],
  "digitalocean:index/volumeAttachment:VolumeAttachment": ["dropletId", "volumeId"],
  "digitalocean:index/firewall:Firewall": [],
  "digitalocean:index/loadBalancer:LoadBalancer": ["network", "region", "vpcUuid"],
  "digitalocean:index/customImage:CustomImage": ["url"],

  "aws:ec2/vpc:Vpc": ["cidrBlock"],
  "aws:ec2/subnet:Subnet": ["vpcId", "cidrBlock", "availabilityZone"],
  "aws:ec2/internetGateway:InternetGateway": [],
  "aws:ec2/eip:Eip": ["domain"],
  "aws:ec2/natGateway:NatGateway": ["allocationId", "subnetId"],
  "aws:ec2/routeTable:RouteTable": ["vpcId"],
  "aws:ec2/route:Route": ["routeTableId", "destinationCidrBlock"],
  "aws:ec2/routeTableAssociation:RouteTableAssociation": ["subnetId"],
  "aws:ec2/securityGroup:SecurityGroup": ["name", "description", "vpcId"],
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ["securityGroupId"],
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ["securityGroupId"],
  "aws:ec2/keyPair:KeyPair": ["keyName", "publicKey"],
  "aws:ec2/instance:Instance": ["ami", "subnetId", "associatePublicIpAddress", "keyName"],
  "aws:ebs/volume:Volume": ["availabilityZone", "encrypted"],
  "aws:ec2/volumeAttachment:VolumeAttachment": ["deviceName", "instanceId", "volumeId"],
  "aws:lb/loadBalancer:LoadBalancer": ["name", "internal", "loadBalancerType"],
  "aws:lb/targetGroup:TargetGroup": ["name", "vpcId", "port", "protocol", "targetType"],
  "aws:lb/listener:Listener": ["loadBalancerArn"],
  "aws:lb/targetGroupAttachment:TargetGroupAttachment": ["targetGroupArn", "targetId", "port"],
  "aws:iam/role:Role": ["name"],
  "aws:iam/rolePolicy:RolePolicy": ["name", "role"],
  "aws:iam/instanceProfile:InstanceProfile": ["name"],

  "kubernetes:core/v1:Secret": ["type", "data", "stringData"],
  "kubernetes:core/v1:Service": ["spec.clusterIP"],
  "kubernetes:apps/v1:Deployment": ["spec.selector"],
  "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": ["roleRef"],
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": ["roleRef"],
  "kubernetes:storage.k8s.io/v1:StorageClass": ["provisioner", "parameters"],
};

const kinds = new Map<string, Pick<Kind<never>, "diff">>([
  ...digitalocean.createPlugin({}).kinds,
  ...aws.createPlugin({}).kinds,
  ...kubernetes.kinds,
]);

/** `spec.clusterIP` as an object. */
const inputs = (path: string, value: string): Properties =>
  path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Properties;

describe("replacements by the stand-ins", () => {
  it("are looked at for every type of the clouds", () => {
    const clouds = [...kinds.keys()].filter((type) => !type.startsWith("kubernetes:"));
    assert.deepEqual(
      clouds.filter((type) => !(type in official)),
      [],
    );
  });

  for (const [type, paths] of Object.entries(official))
    it(type, () => {
      for (const path of paths) {
        const { changes } = kinds
          .get(type)!
          .diff({ id: "x", inputs: inputs(path, "a"), outputs: {} }, inputs(path, "b"));
        assert.deepEqual(
          changes.map((change) => [change.path, change.replace]),
          [[path, true]],
        );
      }
    });
});
