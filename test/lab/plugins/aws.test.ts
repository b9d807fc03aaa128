import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createPlugin } from "../../../lab/plugins/aws/plugin.js";
import { image, publicKey, tags, TestAws, xmlError } from "./awsCloud.js";
import { everything, type Made, metadataOptions, type Name, policy, trust, types } from "./awsEverything.js";
import { type Bag, partialOf, type Resource, TestEngine, unknown } from "./engine.js";

const none = { changes: false, replaces: [], paths: [], deleteBeforeReplace: false };

// Which Node runs is for the project to say.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] = "true";

describe("aws stand-in", function () {
  this.timeout(60_000);
  let aws: TestAws;
  let engine: TestEngine;

  const start = async (settings: Bag = {}): Promise<void> => {
    engine = await TestEngine.start(createPlugin({}), aws.settings(settings));
  };

  before(async function () {
    // Installs moto where it is missing, and reads the SDK's declarations.
    this.timeout(300_000);
    aws = await TestAws.start();
    await start();
  });

  after(async () => {
    engine.stop();
    await aws.stop();
  });

  const make = (type: Name, name: string, inputs: Bag): Promise<Resource> => engine.create(types[type], name, inputs);

  describe("one of each type", () => {
    let made: Made[];
    const previews = new Map<string, Bag>();
    const find = (type: Name, name: string): Made => {
      const found = made.find((item) => item.name === name && item.resource.type === types[type]);
      assert.ok(found, `${type} ${name}`);
      return found;
    };

    before(async () => {
      made = await everything(engine, async (type, name, inputs) => void previews.set(`${type}/${name}`, await engine.preview(type, name, inputs)));
    });

    it("covers every type", () => {
      assert.deepEqual([...new Set(made.map(({ resource }) => resource.type))].sort(), Object.values(types).sort());
    });

    it("finds nothing to change after a refresh", async () => {
      for (const { resource, given } of made) {
        const fresh = await engine.refresh(resource);
        assert.ok(fresh, resource.type);
        assert.deepEqual(fresh.inputs, resource.inputs, resource.type);
        assert.deepEqual(await engine.diff(fresh, given), none, resource.type);
      }
    });

    it("has the official ids", () => {
      const id = (type: Name, name: string): string => find(type, name).resource.id;
      assert.match(id("Route", "internet"), /^r-rtb-[0-9a-f]+1080289494$/, "table and CRC-32 of the destination");
      assert.match(id("VolumeAttachment", "data"), /^vai-\d+$/);
      assert.match(id("RolePolicy", "describe"), /^node-[0-9a-f]{7}:describe-[0-9a-f]{7}$/);
      assert.match(id("SecurityGroupIngressRule", "ssh"), /^sgr-[0-9a-f]+$/);
      assert.match(id("KeyPair", "admin"), /^admin-[0-9a-f]{7}$/);
      assert.match(id("TargetGroupAttachment", "one"), /^arn:aws:elasticloadbalancing:.*:targetgroup\/api-[0-9a-f]{7}\/[0-9a-f]+-[0-9a-f]{32}$/);
    });

    it("shows in a preview only what cannot turn out otherwise", () => {
      for (const { name, resource } of made) {
        const preview = previews.get(`${resource.type}/${name}`) ?? {};
        const differing = Object.keys(preview).filter((key) => preview[key] !== unknown && JSON.stringify(sorted(preview[key])) !== JSON.stringify(sorted(resource.outputs[key])));
        // What was asked for is repeated; the API adds the rest of a health check, a disk and a policy's form.
        assert.deepEqual(differing.filter((key) => !["healthCheck", "metadataOptions", "rootBlockDevice", "publicKey"].includes(key)), [], `${resource.type} ${name}`);
      }
      const machine = previews.get(`${types.Instance}/one`) ?? {};
      for (const output of ["arn", "privateIp", "publicIp", "primaryNetworkInterfaceId", "instanceState"]) assert.equal(machine[output], unknown, output);
      assert.deepEqual(machine["tagsAll"], tags);
    });

    it("keeps user data as it is, and gives addresses and state of a running machine", () => {
      const { outputs } = find("Instance", "one").resource;
      assert.equal(outputs["userData"], `{"ignition":{"version":"3.5.0"}}`);
      assert.equal(outputs["instanceState"], "running");
      assert.match(String(outputs["privateIp"]), /^10\.0\.1\.\d+$/);
      assert.match(String(outputs["publicIp"]), /^\d+\.\d+\.\d+\.\d+$/);
      assert.deepEqual(outputs["metadataOptions"], { ...metadataOptions, httpProtocolIpv6: "disabled" });
      const disk = outputs["rootBlockDevice"] as Bag;
      assert.deepEqual([disk["volumeSize"], disk["volumeType"], disk["encrypted"], disk["tags"]], [30, "gp3", true, tags]);
    });

    it("takes away the rule that lets everything out of a new security group", async () => {
      const group = find("SecurityGroup", "admin").resource.id;
      const rules = await new Promise((resolve) => resolve(fetchXml(aws.url, `Action=DescribeSecurityGroupRules&Version=2016-11-15&Filter.1.Name=group-id&Filter.1.Value.1=${group}`)));
      assert.doesNotMatch(String(rules), /<isEgress>true/);
    });

    interface Change {
      readonly type: Name;
      readonly name: string;
      readonly change: Bag;
      /** An output afterwards. */
      readonly shows?: [string, unknown];
    }

    const inPlace: readonly Change[] = [
      { type: "Vpc", name: "net", change: { enableDnsHostnames: false, enableDnsSupport: false }, shows: ["enableDnsSupport", false] },
      { type: "Vpc", name: "net", change: { tags: { Name: "two" } }, shows: ["tagsAll", { Name: "two" }] },
      { type: "Subnet", name: "public", change: { mapPublicIpOnLaunch: false }, shows: ["mapPublicIpOnLaunch", false] },
      { type: "RouteTable", name: "outward", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "InternetGateway", name: "gateway", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "Eip", name: "nat", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "NatGateway", name: "nat", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "SecurityGroup", name: "nodes", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "SecurityGroupIngressRule", name: "ssh", change: { cidrIpv4: "198.51.100.0/24", description: "SSH too", toPort: 23 }, shows: ["cidrIpv4", "198.51.100.0/24"] },
      { type: "KeyPair", name: "admin", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "Instance", name: "one", change: { instanceType: "t3.large" }, shows: ["instanceType", "t3.large"] },
      { type: "Instance", name: "one", change: { sourceDestCheck: false }, shows: ["sourceDestCheck", false] },
      { type: "Instance", name: "one", change: { metadataOptions: { ...metadataOptions, httpPutResponseHopLimit: 2 } } },
      { type: "Instance", name: "one", change: { tags: { Name: "two", more: "x" } }, shows: ["tags", { Name: "two", more: "x" }] },
      { type: "Instance", name: "one", change: { rootBlockDevice: { volumeType: "gp3", volumeSize: 40, encrypted: true, tags } } },
      { type: "Instance", name: "one", change: { disableApiStop: true }, shows: ["disableApiStop", true] },
      { type: "Volume", name: "data", change: { size: 20 }, shows: ["size", 20] },
      { type: "LoadBalancer", name: "api", change: { enableCrossZoneLoadBalancing: false, enableDeletionProtection: true }, shows: ["enableDeletionProtection", true] },
      { type: "TargetGroup", name: "api", change: { deregistrationDelay: 60, healthCheck: { protocol: "HTTPS", path: "/livez", port: "6443", interval: 30 } }, shows: ["deregistrationDelay", 60] },
      { type: "Listener", name: "api", change: { port: 443 }, shows: ["port", 443] },
      { type: "Role", name: "node", change: { description: "Other machines", maxSessionDuration: 7200 }, shows: ["maxSessionDuration", 7200] },
      { type: "Role", name: "node", change: { assumeRolePolicy: { ...trust, Statement: [{ ...trust.Statement[0], Sid: "one" }] } } },
      { type: "RolePolicy", name: "describe", change: { policy: policy("ec2:DescribeVolumes") }, shows: ["policy", policy("ec2:DescribeVolumes")] },
      { type: "InstanceProfile", name: "node", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
    ];
    for (const { type, name, change, shows } of inPlace) {
      it(`changes ${Object.keys(change).join(" and ")} of a ${type} in place${grows(change) ? "" : ", and back"}`, async () => {
        const { resource, given } = find(type, name);
        const wanted = { ...given, ...change };
        const difference = await engine.diff(resource, wanted);
        assert.deepEqual([difference.changes, difference.replaces], [true, []]);
        const updated = await engine.update(resource, wanted);
        if (shows !== undefined) assert.deepEqual(updated.outputs[shows[0]], shows[1]);
        const fresh = await engine.refresh(updated);
        assert.ok(fresh);
        assert.deepEqual(await engine.diff(fresh, wanted), none, "after a refresh");
        // A volume never shrinks.
        if (grows(change)) Object.assign(find(type, name), { resource: updated, given: wanted });
        else await engine.update(updated, given);
      });
    }

    it("sends machines and routes elsewhere in place", async () => {
      const groups = { vpcSecurityGroupIds: [find("SecurityGroup", "nodes").resource.id, find("SecurityGroup", "admin").resource.id] };
      const { resource, given } = find("Instance", "one");
      const machine = await engine.update(resource, { ...given, ...groups });
      assert.deepEqual([...(machine.outputs["vpcSecurityGroupIds"] as string[])].sort(), [...groups.vpcSecurityGroupIds].sort());
      await engine.update(machine, given);

      const profile = await make("InstanceProfile", "other", { role: find("Role", "node").resource.id });
      const other = await engine.update(machine, { ...given, iamInstanceProfile: profile.id });
      const associations = await fetchXml(aws.url, `Action=DescribeIamInstanceProfileAssociations&Version=2016-11-15&Filter.1.Name=instance-id&Filter.1.Value.1=${machine.id}`);
      assert.match(associations, new RegExp(`instance-profile/${profile.id}<`));
      await engine.update(other, given);
      await engine.delete(profile);

      const association = find("RouteTableAssociation", "private");
      const moved = await engine.update(association.resource, { ...association.given, routeTableId: find("RouteTable", "outward").resource.id });
      assert.equal(moved.id, association.resource.id, "the id stays though the API gives another one");
      assert.deepEqual((await engine.refresh(moved))?.outputs["routeTableId"], find("RouteTable", "outward").resource.id);
      await engine.update(moved, association.given);

      const route = find("Route", "nat");
      const internet = { routeTableId: route.given["routeTableId"] ?? "", destinationCidrBlock: "0.0.0.0/0", gatewayId: find("InternetGateway", "gateway").resource.id };
      assert.deepEqual((await engine.diff(route.resource, internet)).replaces, []);
      const led = await engine.update(route.resource, internet);
      assert.equal(led.outputs["gatewayId"], internet.gatewayId);
      await engine.update(led, route.given);
    });

    const anew: readonly [Name, string, Bag][] = [
      ["Vpc", "net", { cidrBlock: "10.9.0.0/16" }],
      ["Subnet", "public", { cidrBlock: "10.0.9.0/24" }],
      ["Subnet", "public", { availabilityZone: "eu-central-1b" }],
      ["RouteTable", "outward", { vpcId: "vpc-2" }],
      ["Route", "internet", { destinationCidrBlock: "192.0.2.0/24" }],
      ["RouteTableAssociation", "public", { subnetId: "subnet-2" }],
      ["NatGateway", "nat", { subnetId: "subnet-2" }],
      ["SecurityGroup", "nodes", { description: "Other" }],
      ["SecurityGroupIngressRule", "ssh", { securityGroupId: "sg-2" }],
      ["KeyPair", "admin", { publicKey: publicKey.replace("AAAAIGPr", "AAAAIGPs") }],
      ["Instance", "one", { ami: "ami-2" }],
      ["Instance", "one", { subnetId: "subnet-2" }],
      ["Instance", "one", { keyName: "other" }],
      ["Instance", "one", { associatePublicIpAddress: false }],
      ["Instance", "one", { userData: "x", userDataReplaceOnChange: true }],
      ["Instance", "one", { rootBlockDevice: { volumeSize: 40, volumeType: "gp3", encrypted: false } }],
      ["Volume", "data", { availabilityZone: "eu-central-1b" }],
      ["Volume", "data", { encrypted: false }],
      ["VolumeAttachment", "data", { deviceName: "/dev/xvdg" }],
      ["LoadBalancer", "api", { internal: true }],
      ["LoadBalancer", "api", { subnets: ["subnet-2"] }],
      ["LoadBalancer", "api", { securityGroups: [] }],
      ["TargetGroup", "api", { port: 443 }],
      ["Listener", "api", { loadBalancerArn: "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/net/x/1" }],
      ["TargetGroupAttachment", "one", { targetId: "i-2" }],
      ["Role", "node", { path: "/x/" }],
      ["RolePolicy", "describe", { role: "other" }],
    ];
    for (const [type, name, change] of anew) {
      it(`makes a ${type} anew for another ${Object.keys(change).join(" and ")}`, async () => {
        const { resource, given } = find(type, name);
        const { replaces } = await engine.diff(resource, { ...given, ...change });
        assert.ok(replaces.length > 0 && replaces.every((path) => Object.keys(change).includes(path.split(/[.[]/)[0] ?? "")), JSON.stringify(replaces));
      });
    }

    it("adds a subnet to a load balancer in place, and does not mind the order of lists or of a document's keys", async () => {
      const { resource, given } = find("LoadBalancer", "api");
      const more = { ...given, subnets: [...(given["subnets"] as string[]), find("Subnet", "private").resource.id] };
      assert.deepEqual((await engine.diff(resource, more)).replaces, []);
      const role = find("Role", "node");
      const turned = { Statement: [{ Principal: { Service: ["ec2.amazonaws.com"] }, Action: ["sts:AssumeRole"], Effect: "Allow" }], Version: "2012-10-17" };
      assert.deepEqual(await engine.diff(role.resource, { ...role.given, assumeRolePolicy: JSON.stringify(turned, undefined, 2) }), none);
    });

    it("refuses to shrink a volume, with both sizes", async () => {
      const { resource, given } = find("Volume", "data");
      await assert.rejects(engine.update(resource, { ...given, size: 5 }), /cannot update volume "data": size: it is 20 GiB and cannot shrink to 5 GiB/);
    });

    it("imports by id", async () => {
      for (const [type, name] of [["Vpc", "net"], ["Subnet", "public"], ["SecurityGroup", "nodes"], ["Instance", "one"], ["LoadBalancer", "api"], ["Role", "node"], ["RolePolicy", "describe"]] as const) {
        const { resource } = find(type, name);
        const imported = await engine.refresh({ type: resource.type, name: resource.name, id: resource.id });
        assert.ok(imported, type);
        assert.deepEqual(imported.outputs["arn"], resource.outputs["arn"], type);
      }
      const { resource } = find("VolumeAttachment", "data");
      const volume = await engine.refresh({ type: resource.type, name: "x", id: `/dev/xvdf:${String(resource.outputs["volumeId"])}:${String(resource.outputs["instanceId"])}` });
      assert.deepEqual(volume?.outputs, resource.outputs);
    });

    it("shows what another hand changed", async () => {
      const { resource, given } = find("SecurityGroup", "nodes");
      await fetchXml(aws.url, `Action=CreateTags&Version=2016-11-15&ResourceId.1=${resource.id}&Tag.1.Key=foreign&Tag.1.Value=x`);
      const fresh = await engine.refresh(resource);
      assert.ok(fresh);
      assert.deepEqual((await engine.diff(fresh, given)).paths, ["tags.foreign"]);
      await engine.update(fresh, given);
      assert.deepEqual((await engine.refresh(resource))?.outputs["tags"], given["tags"]);

      const machine = find("Instance", "one");
      await fetchXml(aws.url, `Action=ModifyInstanceAttribute&Version=2016-11-15&InstanceId=${machine.resource.id}&SourceDestCheck.Value=false`);
      const moved = await engine.refresh(machine.resource);
      assert.ok(moved);
      assert.deepEqual((await engine.diff(moved, machine.given)).paths, ["sourceDestCheck"], "what was left to its default is drift too");
      await engine.update(moved, machine.given);
    });

    // Last: nothing is left after it.
    it("deletes each, and again without complaint, and leaves the account empty", async () => {
      const turned = [...made].reverse();
      for (const { resource } of turned) {
        await engine.delete(resource);
        assert.equal(await engine.refresh(resource), undefined, resource.type);
      }
      assert.deepEqual(await aws.holdings(), {});
      for (const { resource } of turned) await engine.delete(resource);
    });
  });

  it("puts the provider's default tags on everything, and shows the program only its own", async () => {
    engine.stop();
    await start({ defaultTags: JSON.stringify({ tags: { owner: "team", Name: "default" } }) });
    const vpc = await make("Vpc", "net", { cidrBlock: "10.0.0.0/16", tags: { Name: "own" } });
    assert.deepEqual([vpc.outputs["tags"], vpc.outputs["tagsAll"]], [{ Name: "own" }, { Name: "own", owner: "team" }]);
    engine.stop();
    await start({ defaultTags: JSON.stringify({ tags: { owner: "others" } }) });
    const difference = await engine.diff(vpc, { cidrBlock: "10.0.0.0/16", tags: { Name: "own" } });
    assert.deepEqual([difference.paths, difference.replaces], [["tagsAll"], []]);
    const updated = await engine.update(vpc, { cidrBlock: "10.0.0.0/16", tags: { Name: "own" } });
    assert.deepEqual(updated.outputs["tagsAll"], { Name: "own", owner: "others" });
    await engine.delete(updated);
    engine.stop();
    await start();
  });

  it("answers what a program asks: zones, images, existing networks", async () => {
    const zones = await engine.invoke("aws:index/getAvailabilityZones:getAvailabilityZones", { state: "available" });
    assert.deepEqual(zones["names"], ["eu-central-1a", "eu-central-1b", "eu-central-1c"]);
    const named = (name: string): Bag => ({ owners: ["075585003325"], mostRecent: true, filters: [{ name: "name", values: [name] }] });
    const found = await engine.invoke("aws:ec2/getAmi:getAmi", named("Flatcar-stable-*-hvm"));
    assert.deepEqual([found["id"], found["architecture"], found["rootDeviceName"]], [image, "x86_64", "/dev/xvda"]);
    await assert.rejects(engine.invoke("aws:ec2/getAmi:getAmi", named("nothing")), /ec2\.getAmi: there is no image of 075585003325 for .*name nothing in eu-central-1/);
    const vpc = await make("Vpc", "net", { cidrBlock: "10.0.0.0/16", tags });
    const subnet = await make("Subnet", "one", { vpcId: vpc.id, cidrBlock: "10.0.1.0/24", availabilityZone: "eu-central-1b" });
    const [network, part] = [await engine.invoke("aws:ec2/getVpc:getVpc", { id: vpc.id }), await engine.invoke("aws:ec2/getSubnet:getSubnet", { id: subnet.id })];
    assert.deepEqual([network["cidrBlock"], network["tags"], network["enableDnsSupport"]], ["10.0.0.0/16", tags, true]);
    assert.deepEqual([part["availabilityZone"], part["vpcId"], part["cidrBlock"]], ["eu-central-1b", vpc.id, "10.0.1.0/24"]);
    assert.equal((await engine.invoke("aws:ec2/getVpc:getVpc", { tags: { Name: "one" } }))["id"], vpc.id);
    await assert.rejects(engine.invoke("aws:ec2/getVpc:getVpc", { id: "vpc-0123456789abcdef0" }), /ec2\.getVpc: there is no VPC for id "vpc-0123456789abcdef0"/);
    await assert.rejects(engine.invoke("aws:ec2/getAmi:getAmi", { owner: ["x"] }), /"owner" is no property of GetAmi; did you mean "owners"\?/);
    await assert.rejects(engine.invoke("aws:index/getRegion:getRegion", {}), /has no function aws:index\/getRegion:getRegion; it has .*getAmi/);
    await engine.delete(subnet);
    await engine.delete(vpc);
  });

  const machine = (more: Bag = {}): Bag => ({ ami: image, instanceType: "t3.medium", ...more });
  const refused: readonly [string, Name, Bag, RegExp][] = [
    ["an unknown property", "Instance", machine({ keyname: "x" }), /"keyname" is no property of Instance; did you mean "keyName"\?/],
    ["a property that it has not", "Instance", machine({ hibernation: true }), /hibernation: the lab's stand-in for the plugin "aws" does not support it for a machine/],
    ["another region", "Vpc", { cidrBlock: "10.0.0.0/16", region: "us-east-1" }, /region: got "us-east-1", .* "eu-central-1" only/],
    ["a string for a number", "Volume", { availabilityZone: "a", size: "10" }, /size of Volume: got a string, it must be a number/],
    ["a volume without a size", "Volume", { availabilityZone: "a" }, /size is missing/],
    ["a route without a target", "Route", { routeTableId: "rtb-1", destinationCidrBlock: "0.0.0.0/0" }, /exactly one target; got none/],
    ["a rule for nobody", "SecurityGroupIngressRule", { securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: 1, toPort: 1 }, /exactly one of cidrIpv4, .* got none/],
    ["a rule without ports", "SecurityGroupIngressRule", { securityGroupId: "sg-1", ipProtocol: "tcp", cidrIpv4: "0.0.0.0/0" }, /fromPort is missing/],
    ["inline rules", "SecurityGroup", { vpcId: "vpc-1", ingress: [{ protocol: "tcp", fromPort: 1, toPort: 1 }] }, /use aws\.vpc\.SecurityGroupIngressRule/],
    ["user data over 16 KiB", "Instance", machine({ userData: "x".repeat(16385) }), /userData has 16385 bytes; EC2 takes at most 16384/],
    ["a document that is none", "RolePolicy", { role: "x", policy: "{" }, /policy is no JSON/],
    ["another type of load balancer", "LoadBalancer", { subnets: ["subnet-1"] }, /loadBalancerType: got "application", the stand-in makes load balancers of the type "network" only/],
    ["other actions of a listener", "Listener", { loadBalancerArn: "x", port: 1, defaultActions: [{ type: "redirect" }] }, /defaultActions\[0\]\.type: got "redirect"/],
    ["a public NAT gateway without an address", "NatGateway", { subnetId: "subnet-1" }, /allocationId is missing/],
  ];
  for (const [what, type, inputs, message] of refused) {
    it(`refuses ${what}`, async () => assert.match((await engine.check(types[type], "wrong", inputs)).failures.join("\n"), message));
  }

  it("refuses settings that it does not know, keeps keys as secrets, and says what is missing", async () => {
    assert.match((await engine.checkConfig({ region: "x", acessKey: "y" })).join(), /"acessKey" is no property .* did you mean "accessKey"\?/);
    assert.match((await engine.checkConfig({ region: "x", endpoints: `[{"ec2":"nowhere"}]` })).join(), /endpoints\[0\]\.ec2: got "nowhere", it must be a URL/);
    assert.match((await engine.checkConfig({ region: "x", httpProxy: "http://x" })).join(), /does not support the setting httpProxy/);
    assert.match((await engine.checkConfig({ region: "x", accessKey: "y" })).join(), /accessKey and secretKey belong together/);
    assert.deepEqual(await engine.checkConfig(aws.settings()), []);
    const other = await TestEngine.start(createPlugin({}), {});
    await assert.rejects(other.create(types.Vpc, "x", { cidrBlock: "10.0.0.0/16" }), /no region for AWS; set aws:region/);
    other.stop();
  });

  it("names the resource, the call and the API's own words in errors", async () => {
    await assert.rejects(make("Subnet", "lost", { vpcId: "vpc-1", cidrBlock: "10.0.0.0/33" }), /cannot create subnet "lost": ec2 createSubnet: HTTP 400 InvalidVpcID\.NotFound: .+/);
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
      const settings = { region: "eu-central-1", accessKey: "a", secretKey: "s", endpoints: JSON.stringify([{ ec2: url }]), skipCredentialsValidation: true, skipRequestingAccountId: true, maxRetries: "3" };
      other = await TestEngine.start(createPlugin({}), settings as unknown as Bag);
    });

    afterEach(() => {
      other.stop();
      server.closeAllConnections();
      server.close();
    });

    /** Passes on to the real one. */
    const pass = async (request: IncomingMessage, body: string, response: ServerResponse): Promise<void> => {
      const answer = await fetch(aws.url, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded", authorization: String(request.headers.authorization) }, body });
      response.writeHead(answer.status, { "content-type": "text/xml" }).end(await answer.text());
    };

    it("tries again when it is too busy, and gives up after the settings' number of tries", async () => {
      let busy = 2;
      let calls = 0;
      handle = (request, body, response) => {
        if (!body.includes("Action=CreateVpc&") || (calls++, busy-- <= 0)) return void pass(request, body, response);
        response.writeHead(503, { "content-type": "text/xml" }).end(xmlError("RequestLimitExceeded", "Request limit exceeded."));
      };
      const vpc = await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" });
      assert.equal(calls, 3);
      busy = 9;
      await assert.rejects(other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" }), /ec2 createVpc: HTTP 503 RequestLimitExceeded: Request limit exceeded\./);
      assert.equal(calls, 6);
      await other.delete(vpc);
    });

    it("makes nothing twice when the answer to a creation is lost", async () => {
      let calls = 0;
      handle = (_request, _body, response) => {
        calls++;
        response.writeHead(500, { "content-type": "text/xml" }).end(xmlError("InternalError", "An internal error has occurred"));
      };
      await assert.rejects(other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" }), /InternalError/);
      assert.equal(calls, 1);
    });

    it("waits until a new instance profile is known", async () => {
      let early = 2;
      handle = (request, body, response) => {
        if (!body.includes("Action=RunInstances&") || early-- <= 0) return void pass(request, body, response);
        response.writeHead(400, { "content-type": "text/xml" }).end(xmlError("InvalidParameterValue", "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"));
      };
      const vpc = await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" });
      const subnet = await other.create(types.Subnet, "net", { vpcId: vpc.id, cidrBlock: "10.0.0.0/24" });
      const profile = await engine.create(types.InstanceProfile, "x", {});
      const one = await other.create(types.Instance, "one", machine({ subnetId: subnet.id, iamInstanceProfile: profile.id }));
      assert.equal(early, -1);
      for (const resource of [one, subnet, vpc]) await other.delete(resource);
      await engine.delete(profile);
    });

    it("stops a machine for new user data, and sends the data in base 64 once", async () => {
      const calls: URLSearchParams[] = [];
      handle = (request, body, response) => {
        const call = new URLSearchParams(body);
        if (/^(Stop|Start|Modify)Instance/.test(call.get("Action") ?? "")) calls.push(call);
        // The other AWS takes it to be encoded twice.
        if (!call.has("UserData.Value")) return void pass(request, body, response);
        response.writeHead(200, { "content-type": "text/xml" }).end("<ModifyInstanceAttributeResponse><return>true</return></ModifyInstanceAttributeResponse>");
      };
      const vpc = await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" });
      const subnet = await other.create(types.Subnet, "net", { vpcId: vpc.id, cidrBlock: "10.0.0.0/24" });
      const one = await other.create(types.Instance, "one", machine({ subnetId: subnet.id, userData: "old" }));
      const wanted = machine({ subnetId: subnet.id, userData: "new" });
      assert.deepEqual((await other.diff(one, wanted)).replaces, []);
      await other.update(one, wanted);
      assert.deepEqual(calls.map((call) => call.get("Action")), ["StopInstances", "ModifyInstanceAttribute", "StartInstances"]);
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
        response.writeHead(200, { "content-type": "text/xml" }).end(`<DescribeInstancesResponse><reservationSet><item><instancesSet>${instance}</instancesSet></item></reservationSet></DescribeInstancesResponse>`);
        shown();
      };
      const vpc = await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" });
      const subnet = await other.create(types.Subnet, "net", { vpcId: vpc.id, cidrBlock: "10.0.0.0/24" });
      const inputs = machine({ subnetId: subnet.id, sourceDestCheck: false });
      const late = await other.create(types.Instance, "late", inputs, 1).catch((error: unknown) => error);
      assert.match(partialOf(late)?.reasons.join() ?? "", /cannot create machine "late": waited 1 s for machine i-[0-9a-f]+ to be running; it is "pending"/);
      const failed = other.create(types.Instance, "one", inputs).catch((error: unknown) => error);
      await waiting;
      await new Promise((resolve) => setTimeout(resolve, 300));
      await other.cancel();
      const partial = partialOf(await failed);
      assert.ok(partial);
      assert.match(partial.reasons.join(), /cannot create machine "one": interrupted while waiting for machine i-[0-9a-f]+ to be running/);
      pending = false;
      const state: Resource = { type: types.Instance, name: "one", id: partial.id, inputs, outputs: partial.outputs, secrets: [] };
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
        response.writeHead(400, { "content-type": "text/xml" }).end(xmlError("DependencyViolation", "The vpc has dependencies and cannot be deleted."));
      };
      await other.delete(await other.create(types.Vpc, "net", { cidrBlock: "10.0.0.0/16" }));
      assert.equal(held, -1);
    });
  });

  it("left nothing behind", async () => assert.deepEqual(await aws.holdings(), {}));
});

function grows(change: Bag): boolean {
  return "size" in change || "rootBlockDevice" in change;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]));
}

/** A call by another hand. */
async function fetchXml(url: string, body: string): Promise<string> {
  const authorization = "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/ec2/aws4_request, SignedHeaders=host, Signature=x";
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded", authorization }, body });
  const text = await response.text();
  assert.ok(response.ok, text);
  return text;
}
