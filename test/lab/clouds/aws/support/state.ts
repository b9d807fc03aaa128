/** A small account, with what a test wants otherwise. */
import type { AwsInstance, AwsState } from "../../../../../lab/clouds/aws/state.js";

export const instance = (changes: Partial<AwsInstance> = {}): AwsInstance => ({
  id: "i-0123456789abcdef0",
  state: "running",
  type: "t3.small",
  cpus: 2,
  memory: 2048,
  image: "ami-1",
  zone: "eu-central-1a",
  subnet: "subnet-1",
  vpc: "vpc-1",
  privateAddress: "10.4.0.5",
  publicAddress: "198.18.35.9",
  mac: "02:00:00:00:00:05",
  interface: "eni-1",
  groups: [{ id: "sg-1", name: "cluster-worker" }],
  rootDisk: 20,
  rootVolume: "vol-root",
  userData: Buffer.from("{}").toString("base64"),
  keyName: "key",
  publicKey: "ssh-ed25519 AAAA",
  tags: { Name: "cluster-worker-0", KubernetesCluster: "cluster" },
  hopLimit: 1,
  metadataTags: true,
  profile: { id: "AIPA", name: "p", arn: "arn:aws:iam::123456789012:instance-profile/p", roles: ["role"] },
  launched: "2026-01-02 03:04:05.678",
  ...changes,
});

export const state = (changes: Partial<AwsState> = {}): AwsState => ({
  epoch: "one",
  account: "123456789012",
  region: "eu-central-1",
  vpcs: [{ id: "vpc-1", cidr: "10.4.0.0/20" }],
  subnets: [
    { id: "subnet-1", vpc: "vpc-1", cidr: "10.4.0.0/24", zone: "eu-central-1a" },
    { id: "subnet-2", vpc: "vpc-1", cidr: "10.4.1.0/24", zone: "eu-central-1b" },
  ],
  routeTables: [
    { id: "rtb-main", vpc: "vpc-1", main: true, subnets: [], routes: [] },
    {
      id: "rtb-public",
      vpc: "vpc-1",
      main: false,
      subnets: ["subnet-1"],
      routes: [{ cidr: "0.0.0.0/0", internet: "igw-1", nat: null }],
    },
  ],
  natGateways: [],
  instances: [instance()],
  volumes: [],
  groups: [{ id: "sg-1", vpc: "vpc-1", ingress: [], egress: [] }],
  balancers: [],
  kinds: {},
  ...changes,
});
