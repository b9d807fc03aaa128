/**
 * Answers of the providers, as far as the program reads them. A resource that is not here is a mistake, in the program or in the test:
 * the mock throws.
 */
import * as pulumi from "@pulumi/pulumi";
import { awsSizes } from "../../../components/aws/sizes.js";
import { dropletSizes } from "../../../components/digitalocean/sizes.js";
import { tinyTypes } from "./thirdCloud/types.js";

type Outputs = Record<string, unknown>;
type Answer = (name: string, inputs: Outputs) => { id: string; outputs?: Outputs };

/** What stands between `BEGIN` and `END` names the key, so that a test can tell keys apart. */
const pem = (kind: string, name: string): string =>
  `-----BEGIN ${kind}-----\n${Buffer.from(name).toString("base64")}\n-----END ${kind}-----\n`;

/** Stable numbers from names: the same machine has the same addresses in every run of a test. */
function numberOf(name: string): number {
  return [...name].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 40_000, 7);
}

const address = (prefix: string, name: string): string =>
  `${prefix}.${Math.floor(numberOf(name) / 200)}.${(numberOf(name) % 200) + 10}`;

/** Public and private address of a droplet of a test. */
export const dropletAddresses = (name: string): { public: string; private: string } => ({
  public: address("203.0", name),
  private: address("10.4", name),
});

/** Elastic address of a test. */
export const elasticAddress = (name: string): string => address("198.19", name);

/** Address of a load balancer of a test. */
export const loadBalancerAddress = (name: string): string => address("198.51", name);

const byName: Answer = (name) => ({ id: `id-of-${name}` });

const answers: Readonly<Record<string, Answer>> = {
  "tls:index/privateKey:PrivateKey": (name) => ({
    id: `key-${name}`,
    outputs: {
      privateKeyPem: pulumi.secret(pem("EC PRIVATE KEY", name)),
      privateKeyOpenssh: pulumi.secret(pem("OPENSSH PRIVATE KEY", name)),
      privateKeyPemPkcs8: pulumi.secret(pem("PRIVATE KEY", name)),
      publicKeyPem: pem("PUBLIC KEY", name),
      publicKeyOpenssh: `ssh-ed25519 ${Buffer.from(name).toString("base64")}\n`,
    },
  }),
  "tls:index/selfSignedCert:SelfSignedCert": (name) => ({ id: name, outputs: { certPem: pem("CERTIFICATE", name) } }),
  "tls:index/certRequest:CertRequest": (name) => ({
    id: name,
    outputs: { certRequestPem: pem("CERTIFICATE REQUEST", name) },
  }),
  "tls:index/locallySignedCert:LocallySignedCert": (name) => ({
    id: name,
    outputs: { certPem: pem("CERTIFICATE", name) },
  }),
  "digitalocean:index/vpc:Vpc": (name) => ({ id: `vpc-${name}` }),
  "digitalocean:index/tag:Tag": (_name, inputs) => ({ id: String(inputs["name"]) }),
  "digitalocean:index/sshKey:SshKey": () => ({ id: "512189", outputs: { fingerprint: "3b:16:bf:e4:8b:00" } }),
  "digitalocean:index/firewall:Firewall": byName,
  "digitalocean:index/customImage:CustomImage": () => ({
    id: "7938206",
    outputs: { imageId: 7938206, status: "available" },
  }),
  "digitalocean:index/volume:Volume": (name) => ({ id: `volume-${name}`, outputs: { urn: `do:volume:${name}` } }),
  "digitalocean:index/volumeAttachment:VolumeAttachment": byName,
  "digitalocean:index/droplet:Droplet": (name) => {
    const { public: ipv4Address, private: ipv4AddressPrivate } = dropletAddresses(name);
    return { id: String(3_000_000 + numberOf(name)), outputs: { ipv4Address, ipv4AddressPrivate, status: "active" } };
  },
  "digitalocean:index/loadBalancer:LoadBalancer": (name) => ({
    id: `lb-${name}`,
    outputs: { ip: loadBalancerAddress(name), status: "active" },
  }),
  ...Object.fromEntries(
    [
      "ec2/vpc:Vpc",
      "ec2/subnet:Subnet",
      "ec2/internetGateway:InternetGateway",
      "ec2/routeTable:RouteTable",
      "ec2/route:Route",
      "ec2/routeTableAssociation:RouteTableAssociation",
      "ec2/natGateway:NatGateway",
      "ec2/securityGroup:SecurityGroup",
      "vpc/securityGroupIngressRule:SecurityGroupIngressRule",
      "vpc/securityGroupEgressRule:SecurityGroupEgressRule",
      "ec2/keyPair:KeyPair",
      "ebs/volume:Volume",
      "ec2/volumeAttachment:VolumeAttachment",
      "lb/targetGroupAttachment:TargetGroupAttachment",
      "iam/role:Role",
      "iam/rolePolicy:RolePolicy",
      "iam/instanceProfile:InstanceProfile",
    ].map((type): [string, Answer] => [
      `aws:${type}`,
      (name) => ({ id: `${/[a-zA-Z]+(?=:)/.exec(type)![0]}-${name}` }),
    ]),
  ),
  "aws:ec2/instance:Instance": (name, inputs) => {
    const { public: publicIp, private: privateIp } = dropletAddresses(name);
    return { id: `i-${name}`, outputs: { publicIp: inputs["associatePublicIpAddress"] ? publicIp : "", privateIp } };
  },
  "aws:ec2/eip:Eip": (name) => ({ id: `eip-${name}`, outputs: { publicIp: elasticAddress(name) } }),
  "aws:lb/loadBalancer:LoadBalancer": (name) => ({
    id: `lb-${name}`,
    outputs: { arn: `arn:lb:${name}`, dnsName: `${name}.elb.example` },
  }),
  "aws:lb/targetGroup:TargetGroup": (name) => ({ id: `tg-${name}`, outputs: { arn: `arn:tg:${name}` } }),
  "aws:lb/listener:Listener": (name) => ({ id: `listener-${name}`, outputs: { arn: `arn:listener:${name}` } }),
  ...Object.fromEntries(
    Object.values(tinyTypes).map((type): [string, Answer] => [
      type,
      (name) => ({ id: `tiny-${name}`, outputs: { address: address("10.4", name) } }),
    ]),
  ),
  "corekube:machine:Delivery": (name) => ({
    id: name,
    outputs: { hostKey: `ssh-ed25519 host-${name}`, digest: "0".repeat(64), configuration: "0".repeat(16) },
  }),
  "corekube:machine:Configuration": byName,
  "corekube:cluster:Releases": byName,
  "corekube:cluster:EncryptionKeyGate": byName,
  "corekube:cluster:SecretsReencryption": byName,
  "corekube:cluster:NodePods": byName,
  "corekube:cluster:Leftovers": byName,
  "corekube:cluster:NodeCleanup": byName,
  "corekube:cluster:Readiness": (name) => ({ id: name, outputs: { answer: "ok" } }),
  "corekube:machine:Join": (name) => ({
    id: name,
    outputs: { hostKey: `ssh-ed25519 host-${name}`, configuration: "0".repeat(16) },
  }),
  "pulumi:providers:corekube": (name) => ({ id: `provider-${name}` }),
  "pulumi:providers:kubernetes": (name) => ({ id: `provider-${name}` }),
  "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": byName,
  "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": byName,
  "kubernetes:rbac.authorization.k8s.io/v1:Role": byName,
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": byName,
  "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy": byName,
  "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding": byName,
  "kubernetes:storage.k8s.io/v1:CSIDriver": byName,
  "kubernetes:storage.k8s.io/v1:StorageClass": byName,
  "kubernetes:core/v1:Namespace": byName,
  "kubernetes:core/v1:Secret": byName,
  "kubernetes:core/v1:ServiceAccount": byName,
  "kubernetes:core/v1:ConfigMap": byName,
  "kubernetes:core/v1:Service": byName,
  "kubernetes:apiregistration.k8s.io/v1:APIService": byName,
  "kubernetes:apps/v1:DaemonSet": byName,
  "kubernetes:apps/v1:Deployment": byName,
  "kubernetes:policy/v1:PodDisruptionBudget": byName,
  "kubernetes:networking.k8s.io/v1:IngressClass": byName,
  "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": byName,
  "kubernetes:velero.io/v1:BackupStorageLocation": byName,
  "kubernetes:snapshot.storage.k8s.io/v1:VolumeSnapshotClass": byName,
  "kubernetes:velero.io/v1:Schedule": byName,
};

/** Every type in every zone that is asked for. */
const offerings = (zones: readonly string[], types: readonly string[]): Outputs => ({
  instanceTypes: zones.flatMap(() => types),
  locations: zones.flatMap((zone) => types.map(() => zone)),
});

const usualCalls: Readonly<Record<string, Outputs>> = {
  // A first run: nothing serves yet.
  "pulumi:pulumi:readStackResourceOutputs": { outputs: {} },
  "corekube:rollout:plan": {},
  "corekube:rollout:findBroken": { broken: {} },
  "aws:index/getAvailabilityZones:getAvailabilityZones": { names: ["eu-central-1c", "eu-central-1a", "eu-central-1b"] },
  "aws:ec2/getAmi:getAmi": { id: "ami-0123456789abcdef0" },
  "aws:ec2/getSecurityGroups:getSecurityGroups": { ids: [], vpcIds: [] },
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": offerings(
    [..."abcdef"].map((zone) => `eu-central-1${zone}`),
    awsSizes.map(({ name }) => name),
  ),
  "digitalocean:index/getTags:getTags": { tags: [] },
  "digitalocean:index/getRegion:getRegion": { available: true, sizes: dropletSizes.map(({ name }) => name) },
  "digitalocean:index/getAccount:getAccount": { dropletLimit: 10_000 },
  "digitalocean:index/getDroplets:getDroplets": { droplets: [] },
  "digitalocean:index/getImage:getImage": { regions: ["fra1"] },
};

/** Answers to functions of providers, by token. */
export type Calls = Readonly<Record<string, Outputs | Readonly<Record<string, Outputs>> | (() => Outputs)>>;

/** As the engine passes an error of a provider on. */
const failure = (details: string): Error => Object.assign(new Error(details), { details });

export const mocksWith = (calls: Calls): pulumi.runtime.Mocks => ({
  newResource: ({ type, name, inputs, custom }) => {
    if (!custom) {
      return { id: undefined, state: inputs as Outputs };
    }
    const answer = answers[type];
    if (!answer) {
      throw new Error(`the mocks know no resource ${type} (${name})`);
    }
    const { id, outputs = {} } = answer(name, inputs as Outputs);
    return { id, state: { ...(inputs as Outputs), ...outputs } };
  },
  call: ({ token, inputs }) => {
    const known = calls[token] ?? usualCalls[token];
    const answer = typeof known === "function" ? known() : known;
    if (answer === undefined) throw new Error(`the mocks know no function ${token}`);
    if (typeof answer["error"] === "string") throw failure(answer["error"]);
    const id = (inputs as Outputs)["id"];
    // Of things with an id, there is one answer for each.
    if (typeof id !== "string") return answer;
    const found = answer[id];
    if (found === undefined) throw failure(`${id} does not exist`);
    return found as Outputs;
  },
});
