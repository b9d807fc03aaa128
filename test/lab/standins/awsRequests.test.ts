import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createPlugin } from "../../../lab/standins/aws/plugin.js";
import { image, tags, TestAws, xmlError } from "./awsCloud.js";
import { type Name, types } from "./awsEverything.js";
import { type Bag, partialOf, type Resource, TestEngine } from "./engine.js";

describe("aws stand-in's questions and refusals", function () {
  this.timeout(60_000);
  let aws: TestAws;
  let engine: TestEngine;

  before(async function () {
    // Installs moto where it is missing, and reads the SDK's declarations.
    this.timeout(300_000);
    aws = await TestAws.start();
    engine = await TestEngine.start(createPlugin({}), aws.settings());
  });

  after(async () => {
    engine.stop();
    await aws.stop();
  });

  const make = (type: Name, name: string, inputs: Bag): Promise<Resource> => engine.create(types[type], name, inputs);

  it("answers what a program asks: zones, images, existing networks", async () => {
    const zones = await engine.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", { state: "available" });
    assert.deepEqual(zones["names"], ["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
    const named = (name: string): Bag => ({
      owners: ["075585003325"],
      mostRecent: true,
      filters: [{ name: "name", values: [name] }],
    });
    const found = await engine.invoke("aws:ec2/getAmi:getAmi", named("Flatcar-stable-*-hvm"));
    assert.deepEqual([found["id"], found["architecture"], found["rootDeviceName"]], [image, "x86_64", "/dev/xvda"]);
    await assert.rejects(
      engine.invoke("aws:ec2/getAmi:getAmi", named("nothing")),
      /ec2\.getAmi: there is no image of 075585003325 for .*name nothing in eu-central-1/,
    );
    const vpc = await make("Vpc", "net", { cidrBlock: "10.0.0.0/16", tags });
    const subnet = await make("Subnet", "one", {
      vpcId: vpc.id,
      cidrBlock: "10.0.1.0/24",
      availabilityZone: "eu-central-1b",
    });
    const [network, part] = [
      await engine.invoke("aws:ec2/getVpc:getVpc", { id: vpc.id }),
      await engine.invoke("aws:ec2/getSubnet:getSubnet", { id: subnet.id }),
    ];
    assert.deepEqual([network["cidrBlock"], network["tags"], network["enableDnsSupport"]], ["10.0.0.0/16", tags, true]);
    assert.deepEqual(
      [part["availabilityZone"], part["vpcId"], part["cidrBlock"]],
      ["eu-central-1b", vpc.id, "10.0.1.0/24"],
    );
    assert.equal((await engine.invoke("aws:ec2/getVpc:getVpc", { tags: { Name: "one" } }))["id"], vpc.id);
    await assert.rejects(
      engine.invoke("aws:ec2/getVpc:getVpc", { id: "vpc-0123456789abcdef0" }),
      /ec2\.getVpc: there is no VPC for id "vpc-0123456789abcdef0"/,
    );
    await assert.rejects(
      engine.invoke("aws:ec2/getAmi:getAmi", { owner: ["x"] }),
      /"owner" is no property of GetAmi; did you mean "owners"\?/,
    );
    await assert.rejects(
      engine.invoke("aws:index/getRegion:getRegion", {}),
      /has no function aws:index\/getRegion:getRegion; it has .*getAmi/,
    );
    await engine.delete(subnet);
    await engine.delete(vpc);
  });

  const machine = (more: Bag = {}): Bag => ({ ami: image, instanceType: "t3.medium", ...more });
  const refused: readonly [string, Name, Bag, RegExp][] = [
    [
      "an unknown property",
      "Instance",
      machine({ keyname: "x" }),
      /"keyname" is no property of Instance; did you mean "keyName"\?/,
    ],
    [
      "a property that it has not",
      "Instance",
      machine({ hibernation: true }),
      /hibernation: the lab's stand-in for the plugin "aws" does not support it for a machine/,
    ],
    [
      "another region",
      "Vpc",
      { cidrBlock: "10.0.0.0/16", region: "us-east-1" },
      /region: got "us-east-1", .* "eu-central-1" only/,
    ],
    [
      "a string for a number",
      "Volume",
      { availabilityZone: "a", size: "10" },
      /size of Volume: got a string, it must be a number/,
    ],
    ["a volume without a size", "Volume", { availabilityZone: "a" }, /size is missing/],
    [
      "a route without a target",
      "Route",
      { routeTableId: "rtb-1", destinationCidrBlock: "0.0.0.0/0" },
      /exactly one target; got none/,
    ],
    [
      "a rule for nobody",
      "SecurityGroupIngressRule",
      { securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: 1, toPort: 1 },
      /exactly one of cidrIpv4, .* got none/,
    ],
    [
      "a rule without ports",
      "SecurityGroupIngressRule",
      { securityGroupId: "sg-1", ipProtocol: "tcp", cidrIpv4: "0.0.0.0/0" },
      /fromPort is missing/,
    ],
    [
      "inline rules",
      "SecurityGroup",
      { vpcId: "vpc-1", ingress: [{ protocol: "tcp", fromPort: 1, toPort: 1 }] },
      /use aws\.vpc\.SecurityGroupIngressRule/,
    ],
    [
      "user data over 16 KiB",
      "Instance",
      machine({ userData: "x".repeat(16385) }),
      /userData has 16385 bytes; EC2 takes at most 16384/,
    ],
    ["a document that is none", "RolePolicy", { role: "x", policy: "{" }, /policy is no JSON/],
    [
      "another type of load balancer",
      "LoadBalancer",
      { subnets: ["subnet-1"] },
      /loadBalancerType: got "application", the stand-in makes load balancers of the type "network" only/,
    ],
    [
      "other actions of a listener",
      "Listener",
      { loadBalancerArn: "x", port: 1, defaultActions: [{ type: "redirect" }] },
      /defaultActions\[0\]\.type: got "redirect"/,
    ],
    ["a public NAT gateway without an address", "NatGateway", { subnetId: "subnet-1" }, /allocationId is missing/],
  ];
  for (const [what, type, inputs, message] of refused) {
    it(`refuses ${what}`, async () =>
      assert.match((await engine.check(types[type], "wrong", inputs)).failures.join("\n"), message));
  }

  it("refuses settings that it does not know, keeps keys as secrets, and says what is missing", async () => {
    assert.match(
      (await engine.checkConfig({ region: "x", acessKey: "y" })).join(),
      /"acessKey" is no property .* did you mean "accessKey"\?/,
    );
    assert.match(
      (await engine.checkConfig({ region: "x", endpoints: `[{"ec2":"nowhere"}]` })).join(),
      /endpoints\[0\]\.ec2: got "nowhere", it must be a URL/,
    );
    assert.match(
      (await engine.checkConfig({ region: "x", httpProxy: "http://x" })).join(),
      /does not support the setting httpProxy/,
    );
    assert.match(
      (await engine.checkConfig({ region: "x", accessKey: "y" })).join(),
      /accessKey and secretKey belong together/,
    );
    assert.deepEqual(await engine.checkConfig(aws.settings()), []);
    const other = await TestEngine.start(createPlugin({}), {});
    await assert.rejects(
      other.create(types.Vpc, "x", { cidrBlock: "10.0.0.0/16" }),
      /no region for AWS; set aws:region/,
    );
    other.stop();
  });

  it("names the resource, the call and the API's own words in errors", async () => {
    await assert.rejects(
      make("Subnet", "lost", { vpcId: "vpc-1", cidrBlock: "10.0.0.0/33" }),
      /cannot create subnet "lost": ec2 createSubnet: HTTP 400 InvalidVpcID\.NotFound: .+/,
    );
  });

  describe("with an API that is not well", () => {
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
      const settings = {
        region: "eu-central-1",
        accessKey: "a",
        secretKey: "s",
        endpoints: JSON.stringify([{ ec2: url }]),
        skipCredentialsValidation: true,
        skipRequestingAccountId: true,
        maxRetries: "3",
      };
      other = await TestEngine.start(createPlugin({}), settings);
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

    it("tries again when it is too busy, and gives up after the settings' number of tries", async () => {
      let busy = 2;
      let calls = 0;
      handle = (request, body, response) => {
        if (!body.includes("Action=CreateVpc&") || (calls++, busy-- <= 0)) return void pass(request, body, response);
        response
          .writeHead(503, { "content-type": "text/xml" })
          .end(xmlError("RequestLimitExceeded", "Request limit exceeded."));
      };
      const vpc = await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" });
      assert.equal(calls, 3);
      busy = 9;
      await assert.rejects(
        other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" }),
        /ec2 createVpc: HTTP 503 RequestLimitExceeded: Request limit exceeded\./,
      );
      assert.equal(calls, 6);
      await other.delete(vpc);
    });

    it("makes nothing twice when the answer to a creation is lost", async () => {
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
          .end(
            xmlError(
              "InvalidParameterValue",
              "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
            ),
          );
      };
      const vpc = await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" });
      const subnet = await other.create(types.Subnet, "net", { vpcId: vpc.id, cidrBlock: "10.0.0.0/24" });
      const profile = await engine.create(types.InstanceProfile, "x", {});
      const one = await other.create(
        types.Instance,
        "one",
        machine({ subnetId: subnet.id, iamInstanceProfile: profile.id }),
      );
      assert.equal(early, -1);
      for (const resource of [one, subnet, vpc]) await other.delete(resource);
      await engine.delete(profile);
    });

    it("stops a machine for new user data, and sends the data in base 64 once", async () => {
      const calls: URLSearchParams[] = [];
      handle = (request, body, response) => {
        const call = new URLSearchParams(body);
        if (/^(Stop|Start|Modify)Instance/.test(call.get("Action") ?? "")) calls.push(call);
        void pass(request, body, response);
      };
      const vpc = await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" });
      const subnet = await other.create(types.Subnet, "net", { vpcId: vpc.id, cidrBlock: "10.0.0.0/24" });
      const one = await other.create(types.Instance, "one", machine({ subnetId: subnet.id, userData: "old" }));
      const wanted = machine({ subnetId: subnet.id, userData: "new" });
      assert.deepEqual((await other.diff(one, wanted)).replaces, []);
      assert.equal((await other.update(one, wanted)).outputs["userData"], "new");
      assert.deepEqual(
        calls.map((call) => call.get("Action")),
        ["StopInstances", "ModifyInstanceAttribute", "StartInstances"],
      );
      assert.equal(Buffer.from(calls[1]?.get("UserData.Value") ?? "", "base64").toString(), "new");
      for (const resource of [one, subnet, vpc]) await other.delete(resource);
    });

    it("remembers a machine whose creation was interrupted, goes on with it, and says what it waited for when time is over", async () => {
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
      const vpc = await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" });
      const subnet = await other.create(types.Subnet, "net", { vpcId: vpc.id, cidrBlock: "10.0.0.0/24" });
      const inputs = machine({ subnetId: subnet.id, sourceDestCheck: false });
      const late = await other.create(types.Instance, "late", inputs, 1).catch((error: unknown) => error);
      assert.match(
        partialOf(late)?.reasons.join() ?? "",
        /cannot create machine "late": waited 1 s for machine i-[0-9a-f]+ to be running; it is "pending"/,
      );
      const failed = other.create(types.Instance, "one", inputs).catch((error: unknown) => error);
      await waiting;
      await new Promise((resolve) => setTimeout(resolve, 300));
      await other.cancel();
      const partial = partialOf(await failed);
      assert.ok(partial);
      assert.match(
        partial.reasons.join(),
        /cannot create machine "one": interrupted while waiting for machine i-[0-9a-f]+ to be running/,
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
      assert.deepEqual([whole.outputs["instanceState"], whole.outputs["sourceDestCheck"]], ["running", false]);
      const rest = partialOf(late);
      assert.ok(rest);
      await engine.delete({ ...state, id: rest.id });
      for (const resource of [whole, subnet, vpc]) await engine.delete(resource);
    });

    it("deletes a network as soon as what is in it lets go", async () => {
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

  it("left nothing behind", async () => assert.deepEqual(await aws.holdings(), {}));
});
