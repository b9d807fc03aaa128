import assert from "node:assert/strict";
import { createPlugin } from "../../../lab/standins/aws/plugin.js";
import { fetchXml, publicKey, tags, TestAws } from "./awsCloud.js";
import {
  everything,
  machineTags,
  type Made,
  metadataOptions,
  type Name,
  policy,
  trust,
  types,
} from "./awsEverything.js";
import { type Bag, type Resource, TestEngine, unknown } from "./engine.js";

const none = { changes: false, replaces: [], paths: [], deleteBeforeReplace: false };

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
      made = await everything(
        engine,
        async (type, name, inputs) => void previews.set(`${type}/${name}`, await engine.preview(type, name, inputs)),
      );
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
      assert.match(
        id("TargetGroupAttachment", "one"),
        /^arn:aws:elasticloadbalancing:.*:targetgroup\/api-[0-9a-f]{7}\/[0-9a-f]+-[0-9a-f]{32}$/,
      );
    });

    it("shows in a preview only what cannot turn out otherwise", () => {
      for (const { name, resource } of made) {
        const preview = previews.get(`${resource.type}/${name}`) ?? {};
        const differing = Object.keys(preview).filter(
          (key) =>
            preview[key] !== unknown &&
            JSON.stringify(sorted(preview[key])) !== JSON.stringify(sorted(resource.outputs[key])),
        );
        // What was asked for is repeated; the API adds the rest of a health check, a disk and a policy's form.
        assert.deepEqual(
          differing.filter((key) => !["healthCheck", "metadataOptions", "rootBlockDevice", "publicKey"].includes(key)),
          [],
          `${resource.type} ${name}`,
        );
      }
      const machine = previews.get(`${types.Instance}/one`) ?? {};
      for (const output of ["arn", "privateIp", "publicIp", "primaryNetworkInterfaceId", "instanceState"])
        assert.equal(machine[output], unknown, output);
      assert.deepEqual(machine["tagsAll"], machineTags);
    });

    it("keeps user data as it is, and gives addresses and state of a running machine", () => {
      const { outputs } = find("Instance", "one").resource;
      assert.equal(outputs["userData"], `{"ignition":{"version":"3.5.0"}}`);
      assert.equal(outputs["instanceState"], "running");
      assert.match(String(outputs["privateIp"]), /^10\.0\.1\.\d+$/);
      assert.match(String(outputs["publicIp"]), /^\d+\.\d+\.\d+\.\d+$/);
      assert.deepEqual(outputs["metadataOptions"], { ...metadataOptions, httpProtocolIpv6: "disabled" });
      const disk = outputs["rootBlockDevice"] as Bag;
      assert.deepEqual(
        [disk["volumeSize"], disk["volumeType"], disk["encrypted"], disk["tags"]],
        [30, "gp3", true, tags],
      );
    });

    it("takes away the rule that lets everything out of a new security group", async () => {
      const group = find("SecurityGroup", "admin").resource.id;
      const rules = await new Promise((resolve) =>
        resolve(
          fetchXml(
            aws.url,
            `Action=DescribeSecurityGroupRules&Version=2016-11-15&Filter.1.Name=group-id&Filter.1.Value.1=${group}`,
          ),
        ),
      );
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
      {
        type: "Vpc",
        name: "net",
        change: { enableDnsHostnames: false, enableDnsSupport: false },
        shows: ["enableDnsSupport", false],
      },
      { type: "Vpc", name: "net", change: { tags: { Name: "two" } }, shows: ["tagsAll", { Name: "two" }] },
      { type: "Subnet", name: "public", change: { mapPublicIpOnLaunch: false }, shows: ["mapPublicIpOnLaunch", false] },
      { type: "RouteTable", name: "outward", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "InternetGateway", name: "gateway", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "Eip", name: "nat", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "NatGateway", name: "nat", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "SecurityGroup", name: "nodes", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      {
        type: "SecurityGroupIngressRule",
        name: "ssh",
        change: { cidrIpv4: "198.51.100.0/24", description: "SSH too", toPort: 23 },
        shows: ["cidrIpv4", "198.51.100.0/24"],
      },
      { type: "KeyPair", name: "admin", change: { tags: { Name: "two" } }, shows: ["tags", { Name: "two" }] },
      { type: "Instance", name: "one", change: { instanceType: "t3.large" }, shows: ["instanceType", "t3.large"] },
      { type: "Instance", name: "one", change: { userData: "#!/bin/sh\n" }, shows: ["userData", "#!/bin/sh\n"] },
      { type: "Instance", name: "one", change: { sourceDestCheck: false }, shows: ["sourceDestCheck", false] },
      {
        type: "Instance",
        name: "one",
        change: { metadataOptions: { ...metadataOptions, httpPutResponseHopLimit: 2 } },
      },
      {
        type: "Instance",
        name: "one",
        change: { tags: { Name: "two", more: "x" } },
        shows: ["tags", { Name: "two", more: "x" }],
      },
      {
        type: "Instance",
        name: "one",
        change: { rootBlockDevice: { volumeType: "gp3", volumeSize: 40, encrypted: true, tags } },
      },
      { type: "Instance", name: "one", change: { disableApiStop: true }, shows: ["disableApiStop", true] },
      { type: "Volume", name: "data", change: { size: 20 }, shows: ["size", 20] },
      {
        type: "LoadBalancer",
        name: "api",
        change: { enableCrossZoneLoadBalancing: false, enableDeletionProtection: true },
        shows: ["enableDeletionProtection", true],
      },
      {
        type: "TargetGroup",
        name: "api",
        change: {
          deregistrationDelay: 60,
          healthCheck: { protocol: "HTTPS", path: "/livez", port: "6443", interval: 30 },
        },
        shows: ["deregistrationDelay", 60],
      },
      { type: "Listener", name: "api", change: { port: 443 }, shows: ["port", 443] },
      {
        type: "Role",
        name: "node",
        change: { description: "Other machines", maxSessionDuration: 7200 },
        shows: ["maxSessionDuration", 7200],
      },
      {
        type: "Role",
        name: "node",
        change: { assumeRolePolicy: { ...trust, Statement: [{ ...trust.Statement[0], Sid: "one" }] } },
      },
      {
        type: "RolePolicy",
        name: "describe",
        change: { policy: policy("ec2:DescribeVolumes") },
        shows: ["policy", policy("ec2:DescribeVolumes")],
      },
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
      const groups = {
        vpcSecurityGroupIds: [find("SecurityGroup", "nodes").resource.id, find("SecurityGroup", "admin").resource.id],
      };
      const { resource, given } = find("Instance", "one");
      const machine = await engine.update(resource, { ...given, ...groups });
      assert.deepEqual(
        [...(machine.outputs["vpcSecurityGroupIds"] as string[])].sort(),
        [...groups.vpcSecurityGroupIds].sort(),
      );
      await engine.update(machine, given);

      const profile = await make("InstanceProfile", "other", { role: find("Role", "node").resource.id });
      const other = await engine.update(machine, { ...given, iamInstanceProfile: profile.id });
      assert.equal(other.outputs["iamInstanceProfile"], profile.id);
      await engine.update(other, given);
      await engine.delete(profile);

      const association = find("RouteTableAssociation", "private");
      const moved = await engine.update(association.resource, {
        ...association.given,
        routeTableId: find("RouteTable", "outward").resource.id,
      });
      assert.equal(moved.id, association.resource.id, "the id stays though the API gives another one");
      assert.deepEqual(
        (await engine.refresh(moved))?.outputs["routeTableId"],
        find("RouteTable", "outward").resource.id,
      );
      await engine.update(moved, association.given);

      const route = find("Route", "nat");
      const internet = {
        routeTableId: route.given["routeTableId"] ?? "",
        destinationCidrBlock: "0.0.0.0/0",
        gatewayId: find("InternetGateway", "gateway").resource.id,
      };
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
        assert.ok(
          replaces.length > 0 && replaces.every((path) => Object.keys(change).includes(path.split(/[.[]/)[0] ?? "")),
          JSON.stringify(replaces),
        );
      });
    }

    it("adds a subnet to a load balancer in place, and does not mind the order of lists or of a document's keys", async () => {
      const { resource, given } = find("LoadBalancer", "api");
      const more = { ...given, subnets: [...(given["subnets"] as string[]), find("Subnet", "private").resource.id] };
      assert.deepEqual((await engine.diff(resource, more)).replaces, []);
      const role = find("Role", "node");
      const turned = {
        Statement: [{ Principal: { Service: ["ec2.amazonaws.com"] }, Action: ["sts:AssumeRole"], Effect: "Allow" }],
        Version: "2012-10-17",
      };
      assert.deepEqual(
        await engine.diff(role.resource, { ...role.given, assumeRolePolicy: JSON.stringify(turned, undefined, 2) }),
        none,
      );
    });

    it("refuses to shrink a volume, with both sizes", async () => {
      const { resource, given } = find("Volume", "data");
      await assert.rejects(
        engine.update(resource, { ...given, size: 5 }),
        /cannot update volume "data": size: it is 20 GiB and cannot shrink to 5 GiB/,
      );
    });

    it("imports by id", async () => {
      for (const [type, name] of [
        ["Vpc", "net"],
        ["Subnet", "public"],
        ["SecurityGroup", "nodes"],
        ["Instance", "one"],
        ["LoadBalancer", "api"],
        ["Role", "node"],
        ["RolePolicy", "describe"],
      ] as const) {
        const { resource } = find(type, name);
        const imported = await engine.refresh({ type: resource.type, name: resource.name, id: resource.id });
        assert.ok(imported, type);
        assert.deepEqual(imported.outputs["arn"], resource.outputs["arn"], type);
      }
      const { resource } = find("VolumeAttachment", "data");
      const volume = await engine.refresh({
        type: resource.type,
        name: "x",
        id: `/dev/xvdf:${String(resource.outputs["volumeId"])}:${String(resource.outputs["instanceId"])}`,
      });
      assert.deepEqual(volume?.outputs, resource.outputs);
    });

    it("shows what another hand changed", async () => {
      const { resource, given } = find("SecurityGroup", "nodes");
      await fetchXml(
        aws.url,
        `Action=CreateTags&Version=2016-11-15&ResourceId.1=${resource.id}&Tag.1.Key=foreign&Tag.1.Value=x`,
      );
      const fresh = await engine.refresh(resource);
      assert.ok(fresh);
      assert.deepEqual((await engine.diff(fresh, given)).paths, ["tags.foreign"]);
      await engine.update(fresh, given);
      assert.deepEqual((await engine.refresh(resource))?.outputs["tags"], given["tags"]);

      const machine = find("Instance", "one");
      await fetchXml(
        aws.url,
        `Action=ModifyInstanceAttribute&Version=2016-11-15&InstanceId=${machine.resource.id}&SourceDestCheck.Value=false`,
      );
      const moved = await engine.refresh(machine.resource);
      assert.ok(moved);
      assert.deepEqual(
        (await engine.diff(moved, machine.given)).paths,
        ["sourceDestCheck"],
        "what was left to its default is drift too",
      );
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

  it("left nothing behind", async () => assert.deepEqual(await aws.holdings(), {}));
});

function grows(change: Bag): boolean {
  return "size" in change || "rootBlockDevice" in change;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
