import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createPlugin } from "../../../lab/standins/aws/plugin.js";
import { fetchXml, image, publicKey, TestAws, xmlError } from "../../support/awsCloud.js";
import { type Bag, partialOf, type Resource, TestEngine, unknown } from "./engine.js";

const types = {
  Vpc: "aws:ec2/vpc:Vpc",
  Subnet: "aws:ec2/subnet:Subnet",
  Route: "aws:ec2/route:Route",
  NatGateway: "aws:ec2/natGateway:NatGateway",
  SecurityGroup: "aws:ec2/securityGroup:SecurityGroup",
  SecurityGroupIngressRule: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  KeyPair: "aws:ec2/keyPair:KeyPair",
  Instance: "aws:ec2/instance:Instance",
  Volume: "aws:ebs/volume:Volume",
  VolumeAttachment: "aws:ec2/volumeAttachment:VolumeAttachment",
  LoadBalancer: "aws:lb/loadBalancer:LoadBalancer",
  Listener: "aws:lb/listener:Listener",
  Role: "aws:iam/role:Role",
  InstanceProfile: "aws:iam/instanceProfile:InstanceProfile",
} as const;
type Name = keyof typeof types;

const tags = { Name: "one", KubernetesCluster: "c" };
const trust = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }],
});

const machine = (more: Bag): Bag => ({
  ami: image,
  instanceType: "t3.medium",
  subnetId: "subnet-1",
  vpcSecurityGroupIds: ["sg-1"],
  associatePublicIpAddress: true,
  keyName: "admin",
  userData: `{"ignition":{"version":"3.5.0"}}`,
  userDataReplaceOnChange: false,
  metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
  rootBlockDevice: { volumeType: "gp3", volumeSize: 30, encrypted: true, deleteOnTermination: true, tags },
  disableApiTermination: false,
  tags,
  ...more,
});

describe("aws stand-in", function () {
  this.timeout(60_000);
  let aws: TestAws;
  let engine: TestEngine;

  before(async function () {
    // Installs moto where it is missing.
    this.timeout(300_000);
    aws = await TestAws.start();
    engine = await TestEngine.start(createPlugin({}), aws.settings());
  });

  after(async () => {
    engine.stop();
    const left = await aws.holdings();
    await aws.stop();
    assert.deepEqual(left, {}, "nothing is left behind");
  });

  const make = (type: Name, name: string, inputs: Bag): Promise<Resource> => engine.create(types[type], name, inputs);

  /** Where machines can be. */
  async function place(by: TestEngine): Promise<{ readonly inputs: Bag; remove(): Promise<void> }> {
    const vpc = await by.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16", tags });
    const subnet = await by.create(types.Subnet, "net", {
      vpcId: vpc.id,
      cidrBlock: "10.0.1.0/24",
      availabilityZone: "eu-central-1b",
      tags,
    });
    const group = await by.create(types.SecurityGroup, "net", { name: "net", description: "x", vpcId: vpc.id, tags });
    const key = await by.create(types.KeyPair, "net", { keyName: "net", publicKey, tags });
    return {
      inputs: { subnetId: subnet.id, vpcSecurityGroupIds: [group.id], keyName: key.id },
      remove: async () => {
        for (const resource of [key, group, subnet, vpc]) await by.delete(resource);
      },
    };
  }

  it("answers what the program asks: zones, the image, existing networks", async () => {
    const zones = await engine.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", {
      filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
    });
    assert.deepEqual(zones["names"], ["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
    const named = (name: string): Bag => ({
      owners: ["075585003325"],
      mostRecent: true,
      filters: [{ name: "name", values: [name] }],
    });
    const found = await engine.invoke("aws:ec2/getAmi:getAmi", named("Flatcar-stable-*-hvm"));
    assert.deepEqual([found["id"], found["architecture"]], [image, "x86_64"]);
    await assert.rejects(
      engine.invoke("aws:ec2/getAmi:getAmi", named("nothing")),
      /there is no image for .*name nothing in eu-central-1/,
    );
    const offerings = async () => {
      const answer = await engine.invoke("aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings", {
        locationType: "availability-zone",
        filters: [
          { name: "location", values: ["eu-central-1a", "eu-central-1b"] },
          { name: "instance-type", values: ["t3.medium", "m6i.large"] },
        ],
      });
      const places = answer["locations"] as string[];
      return (answer["instanceTypes"] as string[]).map((each, index) => `${each} ${places[index]}`).sort();
    };
    const everywhere = ["m6i.large", "t3.medium"].flatMap((each) => [`${each} eu-central-1a`, `${each} eu-central-1b`]);
    assert.deepEqual(await offerings(), everywhere);
    aws.setScarcity({ withdrawn: { "t3.medium": ["eu-central-1b"] } });
    assert.deepEqual(
      await offerings(),
      everywhere.filter((each) => each !== "t3.medium eu-central-1b"),
    );
    aws.setScarcity({});
    const { inputs, remove } = await place(engine);
    const owned = [{ name: "tag:KubernetesCluster", values: ["c"] }];
    const groups = await engine.invoke("aws:ec2/getSecurityGroups:getSecurityGroups", { filters: owned });
    assert.deepEqual(groups["ids"], inputs["vpcSecurityGroupIds"]);
    const subnet = await engine.invoke("aws:ec2/getSubnet:getSubnet", { id: inputs["subnetId"] ?? "" });
    assert.deepEqual(
      [subnet["availabilityZone"], subnet["cidrBlock"], subnet["tags"]],
      ["eu-central-1b", "10.0.1.0/24", tags],
    );
    const vpc = await engine.invoke("aws:ec2/getVpc:getVpc", { id: subnet["vpcId"] ?? "" });
    assert.equal(vpc["cidrBlock"], "10.0.0.0/16");
    await remove();
    await assert.rejects(
      engine.invoke("aws:ec2/getVpc:getVpc", { id: "vpc-0123456789abcdef0" }),
      /there is no .* for id "vpc-0123456789abcdef0"/,
    );
    await assert.rejects(engine.invoke("aws:ec2/getAmi:getAmi", { nameRegex: "x" }), /support the arguments nameRegex/);
    await assert.rejects(
      engine.invoke("aws:index/getRegion:getRegion", {}),
      /no function "aws:index\/getRegion:getRegion"; it has .*getAmi/,
    );
  });

  it("shows drift of a machine and repairs it, and that it is gone; its preview knows no address", async () => {
    const { inputs, remove } = await place(engine);
    const given = machine(inputs);
    assert.equal((await engine.preview(types.Instance, "one", given))["privateIp"], unknown);
    const made = await make("Instance", "one", given);
    assert.match(String(made.outputs["privateIp"]), /^10\.0\.1\.\d+$/);
    assert.match(String(made.outputs["publicIp"]), /^\d+\.\d+\.\d+\.\d+$/);
    const call = (action: string): Promise<string> => fetchXml(aws.url, `${action}&Version=2016-11-15`);
    await call(`Action=CreateTags&ResourceId.1=${made.id}&Tag.1.Key=Name&Tag.1.Value=other`);
    await call(
      `Action=ModifyInstanceMetadataOptions&InstanceId=${made.id}&HttpTokens=optional&HttpEndpoint=enabled&HttpPutResponseHopLimit=1`,
    );
    const moved = await engine.refresh(made);
    assert.ok(moved);
    assert.deepEqual((await engine.diff(moved, given)).paths, ["metadataOptions.httpTokens", "tags.Name"]);
    const repaired = await engine.update(moved, given);
    const fresh = await engine.refresh(repaired);
    assert.ok(fresh);
    assert.deepEqual(fresh.inputs, made.inputs);
    assert.equal((await engine.diff(fresh, given)).changes, false);
    await call(`Action=TerminateInstances&InstanceId.1=${made.id}`);
    assert.equal(await engine.refresh(made), undefined);
    await remove();
  });

  it("refuses in-place changes of a machine that it would not carry out", async () => {
    const { inputs, remove } = await place(engine);
    const made = await make("Instance", "one", machine(inputs));
    const larger = machine({ ...inputs, instanceType: "t3.large" });
    assert.deepEqual((await engine.diff(made, larger)).paths, ["instanceType"]);
    await assert.rejects(engine.update(made, larger), /cannot change instanceType of a machine in place/);
    await engine.delete(made);
    await remove();
  });

  const state = (type: Name, inputs: Bag): Resource => ({
    type: types[type],
    name: "x",
    id: "x",
    inputs,
    outputs: inputs,
    secrets: [],
  });
  const balancer = {
    name: "api",
    internal: false,
    loadBalancerType: "network",
    ipAddressType: "ipv4",
    subnets: ["a", "b"],
    securityGroups: ["sg-1"],
    enableCrossZoneLoadBalancing: true,
  };
  const role = { name: "x", assumeRolePolicy: trust };
  const turned = JSON.stringify({
    Statement: [{ Principal: { Service: ["ec2.amazonaws.com"] }, Action: ["sts:AssumeRole"], Effect: "Allow" }],
    Version: "2012-10-17",
  });
  it("compares as the API does", async () => {
    const replaces = async (type: Name, before: Bag, change: Bag): Promise<readonly string[]> =>
      (await engine.diff(state(type, before), { ...before, ...change })).replaces;
    const disk = { volumeType: "gp3", volumeSize: 40, encrypted: false, deleteOnTermination: true, tags };
    assert.deepEqual(await replaces("Instance", machine({}), { rootBlockDevice: disk }), ["rootBlockDevice.encrypted"]);
    assert.deepEqual(await replaces("LoadBalancer", balancer, { subnets: ["a", "c"] }), ["subnets[1]"]);
    assert.deepEqual(await replaces("LoadBalancer", balancer, { subnets: ["c", "b", "a"] }), []);
    // A rule's party can be another one of its kind; EC2 cannot change its kind.
    const rule = { securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: 1, toPort: 1, cidrIpv4: "192.0.2.0/24" };
    assert.deepEqual(await replaces("SecurityGroupIngressRule", rule, { cidrIpv4: "192.0.2.128/25" }), []);
    assert.deepEqual(
      await replaces("SecurityGroupIngressRule", rule, { cidrIpv4: null, referencedSecurityGroupId: "sg-2" }),
      ["cidrIpv4", "referencedSecurityGroupId"],
    );
    const same = async (type: Name, before: Bag, change: Bag): Promise<boolean> =>
      !(await engine.diff(state(type, before), { ...before, ...change })).changes;
    assert.ok(await same("LoadBalancer", balancer, { subnets: ["b", "a"] }));
    assert.ok(await same("Role", role, { assumeRolePolicy: turned }));
  });

  const refused: readonly [string, Name, Bag, RegExp][] = [
    [
      "an input that the program does not use",
      "Instance",
      machine({ hibernation: true }),
      /hibernation: .* not support/,
    ],
    [
      "one inside an object",
      "Instance",
      machine({ rootBlockDevice: { iops: 1 } }),
      /rootBlockDevice\.iops: .* does not support this input of a machine/,
    ],
    [
      "inline rules",
      "SecurityGroup",
      { name: "x", description: "x", vpcId: "x", ingress: [{}] },
      /ingress: .* not support/,
    ],
    ["a volume without a size", "Volume", { availabilityZone: "a", type: "gp3", encrypted: true }, /size is missing/],
    ["a route without a target", "Route", { routeTableId: "x", destinationCidrBlock: "x" }, /exactly one target/],
    [
      "a rule without a party",
      "SecurityGroupIngressRule",
      { securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: 1, toPort: 1 },
      /exactly one of cidrIpv4, .* got none/,
    ],
    [
      "too much user data",
      "Instance",
      machine({ userData: "x".repeat(16385) }),
      /16385 bytes; EC2 takes at most 16384/,
    ],
    [
      "protection that it has not",
      "Instance",
      machine({ disableApiTermination: true }),
      /disableApiTermination: got true/,
    ],
    ["other load balancers", "LoadBalancer", { ...balancer, loadBalancerType: "application" }, /has "network" only/],
    [
      "other actions of a listener",
      "Listener",
      { loadBalancerArn: "x", port: 1, protocol: "TCP", defaultActions: [{ type: "redirect" }] },
      /defaultActions\[0\]\.type: got "redirect"/,
    ],
  ];
  for (const [what, type, inputs, message] of refused) {
    it(`refuses ${what}`, async () =>
      assert.match((await engine.check(types[type], "wrong", inputs)).failures.join("\n"), message));
  }

  it("refuses settings that it does not support, and says what is missing", async () => {
    const check = async (settings: Bag): Promise<string> => (await engine.checkConfig(settings)).join();
    assert.match(await check({ region: "x", httpProxy: "x" }), /does not support the setting httpProxy/);
    assert.match(await check({ region: "x", skipMetadataApiCheck: "false" }), /skipMetadataApiCheck: got false/);
    assert.match(await check({ endpoints: `[{"ec2":"nowhere"}]` }), /endpoints\[0\]\.ec2: got "nowhere"/);
    assert.equal(await check(aws.settings()), "");
    await assert.rejects(TestEngine.start(createPlugin({})), /no region for AWS; set aws:region/);
  });

  it("names the resource, the call and the API's own words in errors", async () => {
    const inputs = { vpcId: "vpc-1", cidrBlock: "10.0.0.0/24", availabilityZone: "eu-central-1a" };
    await assert.rejects(
      make("Subnet", "lost", inputs),
      /cannot create subnet "lost": ec2 createSubnet: HTTP 400 InvalidVpcID\.NotFound: .+/,
    );
  });

  describe("with an API that fails", () => {
    let server: Server;
    let url: string;
    let handle: (request: IncomingMessage, body: string, response: ServerResponse) => void;
    let other: TestEngine;

    beforeEach(async () => {
      server = createServer((request, response) => {
        let body = "";
        request.on("data", (chunk: Buffer) => (body += chunk.toString()));
        request.on("end", () => handle(request, body, response));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      other = await TestEngine.start(createPlugin({}), aws.settings({ endpoints: JSON.stringify([{ ec2: url }]) }));
    });

    afterEach(() => {
      other.stop();
      server.closeAllConnections();
      server.close();
    });

    /** Passes on to the real one. */
    const pass = async (request: IncomingMessage, body: string, response: ServerResponse): Promise<void> => {
      const answer = await fetch(aws.url, {
        method: "POST",
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          authorization: String(request.headers.authorization),
        },
        body,
      });
      response.writeHead(answer.status, { "content-type": "text/xml" }).end(await answer.text());
    };

    it("tries again when it is too busy", async () => {
      let busy = 2;
      handle = (request, body, response) => {
        if (!body.includes("Action=CreateVpc&") || busy-- <= 0) return void pass(request, body, response);
        response
          .writeHead(503, { "content-type": "text/xml" })
          .end(xmlError("RequestLimitExceeded", "Request limit exceeded."));
      };
      const vpc = await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" });
      assert.equal(busy, -1);
      await other.delete(vpc);
    });

    it("creates nothing twice when the response to a creation is lost", async () => {
      let calls = 0;
      handle = (_request, _body, response) => {
        calls++;
        response
          .writeHead(500, { "content-type": "text/xml" })
          .end(xmlError("InternalError", "An internal error has occurred"));
      };
      await assert.rejects(other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" }), /InternalError/);
      assert.equal(calls, 1);
    });

    it("waits until a new instance profile is known", async () => {
      let early = 2;
      handle = (request, body, response) => {
        if (!body.includes("Action=RunInstances&") || early-- <= 0) return void pass(request, body, response);
        response
          .writeHead(400, { "content-type": "text/xml" })
          .end(xmlError("InvalidParameterValue", "Value (x) is invalid. Invalid IAM Instance Profile name"));
      };
      const base = await place(other);
      const role = await make("Role", "x", { name: "x", assumeRolePolicy: trust });
      const profile = await make("InstanceProfile", "x", { name: "x", role: "x" });
      const inputs = machine({ ...base.inputs, iamInstanceProfile: profile.id });
      const one = await other.create(types.Instance, "one", inputs);
      assert.equal(early, -1);
      await other.delete(one);
      await base.remove();
      for (const resource of [profile, role]) await engine.delete(resource);
    });

    it("remembers a machine whose creation was interrupted, resumes, and says what it waited for when the time is over", async () => {
      let pending = true;
      let shown = (): void => undefined;
      const waiting = new Promise<void>((resolve) => (shown = resolve));
      handle = (request, body, response) => {
        if (!body.includes("Action=DescribeInstances&") || !pending) return void pass(request, body, response);
        const instance = `<item><instanceId>i-0123456789abcdef0</instanceId><instanceState><code>0</code><name>pending</name></instanceState></item>`;
        response
          .writeHead(200, { "content-type": "text/xml" })
          .end(
            `<DescribeInstancesResponse><reservationSet><item><instancesSet>${instance}</instancesSet></item></reservationSet></DescribeInstancesResponse>`,
          );
        shown();
      };
      const base = await place(engine);
      const inputs = machine(base.inputs);
      const late = await other.create(types.Instance, "late", inputs, 1).catch((error: unknown) => error);
      assert.match(
        partialOf(late)?.reasons.join() ?? "",
        /cannot create machine "late": waited 1 s for machine i-[0-9a-f]+ to be usable: pending/,
      );
      const failed = other.create(types.Instance, "one", inputs).catch((error: unknown) => error);
      await waiting;
      await new Promise((resolve) => setTimeout(resolve, 300));
      await other.cancel();
      const partial = partialOf(await failed);
      assert.ok(partial);
      assert.match(
        partial.reasons.join(),
        /cannot create machine "one": interrupted while waiting for machine i-[0-9a-f]+ to be usable/,
      );
      pending = false;
      const state: Resource = {
        type: types.Instance,
        name: "one",
        id: partial.id,
        inputs,
        outputs: partial.outputs,
        secrets: [],
      };
      const whole = await engine.update(state, inputs);
      assert.equal(whole.outputs["instanceState"], "running");
      const rest = partialOf(late);
      assert.ok(rest);
      await engine.delete({ ...state, id: rest.id });
      await engine.delete(whole);
      await base.remove();
    });

    it("deletes a network as soon as it is no longer in use", async () => {
      let held = 2;
      handle = (request, body, response) => {
        if (!body.includes("Action=DeleteVpc&") || held-- <= 0) return void pass(request, body, response);
        response
          .writeHead(400, { "content-type": "text/xml" })
          .end(xmlError("DependencyViolation", "The vpc has dependencies and cannot be deleted."));
      };
      await other.delete(await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" }));
      assert.equal(held, -1);
    });
  });

  it("says in EC2's words what has run out, and makes the machine once there is more", async () => {
    const { inputs, remove } = await place(engine);
    for (const [scarce, words] of [
      [{ withdrawn: { "t3.medium": ["eu-central-1b"] } }, /Unsupported: Your requested instance type \(t3\.medium\)/],
      [{ soldOut: { "t3.medium": ["eu-central-1b"] } }, /InsufficientInstanceCapacity: .*t3\.medium capacity/],
      [{ vcpus: 1 }, /VcpuLimitExceeded: .*current vCPU limit of 1/],
    ] as const) {
      aws.setScarcity(scarce);
      await assert.rejects(make("Instance", "one", machine(inputs)), words);
    }
    aws.setScarcity({ vcpus: 2 });
    const one = await make("Instance", "one", machine(inputs));
    await assert.rejects(make("Instance", "two", machine(inputs)), /VcpuLimitExceeded/);
    aws.setScarcity({});
    await engine.delete(one);
    await assert.rejects(make("Instance", "one", machine({ ...inputs, ami: "ami-0f1a7ca2000000009" })), /ami/i);
    await remove();
  });

  it("as the official provider, ends with an error where a volume is busy, and leaves one to its machine with skipDestroy", async () => {
    const { inputs, remove } = await place(engine);
    const one = await make("Instance", "one", machine(inputs));
    const volume = await make("Volume", "one", {
      availabilityZone: "eu-central-1b",
      size: 1,
      type: "gp3",
      encrypted: true,
    });
    const attach = { deviceName: "/dev/xvdf", instanceId: one.id, volumeId: volume.id };
    const attachment = await make("VolumeAttachment", "one", attach);
    aws.mounted.add(volume.id);
    await assert.rejects(engine.delete(attachment), /unexpected state 'busy', wanted target ''/);
    await engine.delete({ ...attachment, inputs: { ...attach, skipDestroy: true } });
    await engine.delete(one);
    await engine.delete(volume);
    await remove();
  });
});
