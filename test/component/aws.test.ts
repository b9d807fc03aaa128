/** What the cluster asks AWS for. */
import assert from "node:assert/strict";
import { awsProfile } from "../../components/aws/profile.js";
import { addonPorts } from "../../components/addons/list.js";
import { firewallRules } from "../../components/cloud/firewall.js";
import { roles } from "../../components/spec/cluster.js";
import { dropletAddresses } from "./support/mocks.js";
import { keyOf, type Registration, type Run, runProgram, runTimeout, valueOf } from "./support/registrations.js";
import { awsTestSpec } from "./support/spec.js";

const zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];

/** Kinds that have no tags. */
const untagged = ["Route", "RouteTableAssociation", "VolumeAttachment", "TargetGroupAttachment", "RolePolicy"];

const zoneOf = (run: Run, machine: string): string =>
  String(run.one("Instance", machine).inputs["subnetId"]).slice(-zones[0]!.length);

/** Rules of a group as `purpose from source`, without the group's own name. */
const rulesOf = (run: Run, part: string): string[] =>
  run
    .of("SecurityGroupIngressRule")
    .filter(({ inputs }) => inputs["securityGroupId"] === `securityGroup-dev-${part}`)
    .map(({ name }) => name.slice(`dev-${part}-`.length))
    .sort();

describe("AWS", function () {
  this.timeout(runTimeout);
  let single: Run;
  let available: Run;
  let hidden: Run;
  before(async () => {
    single = await runProgram(awsTestSpec());
    available = await runProgram(awsTestSpec({ highAvailability: true, workerCount: 4 }));
    hidden = await runProgram(awsTestSpec({ highAvailability: true, aws: { machines: "private" } }));
  });

  it("gets the cluster's tags on everything that can have some", () => {
    for (const run of [single, available, hidden]) {
      const ours = run.registrations.filter(
        ({ type, custom }) => custom && type.startsWith("aws:") && !untagged.includes(type.split(":").pop()!),
      );
      assert.ok(ours.length > 40, String(ours.length));
      for (const { type, name, inputs } of ours) {
        const tags = inputs["tags"] as Record<string, string>;
        // An instance that may read its own tags must have none with a slash.
        const owned = type.endsWith(":Instance") ? undefined : "owned";
        assert.deepEqual(
          [tags["KubernetesCluster"], tags["kubernetes.io/cluster/dev"], tags["team"]],
          ["dev", owned, "platform"],
          `${type} ${name}`,
        );
        assert.ok(tags["Name"]?.startsWith("dev"), `${type} ${name}`);
      }
      for (const { inputs } of run.of("Instance")) {
        const disk = (inputs["rootBlockDevice"] as Record<string, unknown>)["tags"] as Record<string, string>;
        const { Image, ...tags } = inputs["tags"] as Record<string, string>;
        assert.deepEqual([Image, disk], [awsProfile.image, { ...tags, "kubernetes.io/cluster/dev": "owned" }]);
      }
    }
  });

  it("gets a public subnet in each of the first three zones, whose range follows from the zone", () => {
    const subnets = single
      .of("Subnet")
      .map(({ inputs }) => [inputs["availabilityZone"], inputs["cidrBlock"], inputs["mapPublicIpOnLaunch"]]);
    assert.deepEqual(subnets, [
      ["eu-central-1a", "10.4.0.0/24", false],
      ["eu-central-1b", "10.4.1.0/24", false],
      ["eu-central-1c", "10.4.2.0/24", false],
    ]);
    assert.deepEqual(single.of("NatGateway"), []);
    assert.deepEqual(
      single.of("Route").map(({ inputs }) => inputs["gatewayId"]),
      ["internetGateway-dev"],
    );
    const [subnet] = single.of("Subnet");
    const tags = subnet!.inputs["tags"] as Record<string, string>;
    assert.deepEqual([tags["kubernetes.io/role/elb"], tags["kubernetes.io/role/internal-elb"]], ["1", "1"]);
  });

  it("spreads the machines of each pool over the zones", () => {
    for (const [pool, count] of [
      ["etcd", 3],
      ["controller", 3],
      ["worker", 4],
    ] as const) {
      const got = Array.from({ length: count }, (_, index) => zoneOf(available, `dev-${pool}-${index}`));
      assert.deepEqual(
        got,
        Array.from({ length: count }, (_, index) => zones[index % 3]),
      );
    }
  });

  it("puts a pool into the zones that it names", async () => {
    const spec = awsTestSpec({ workerCount: 3 });
    const run = await runProgram({ ...spec, workers: { ...spec.workers, zones: ["eu-central-1c", "eu-central-1b"] } });
    assert.deepEqual(
      [0, 1, 2].map((index) => zoneOf(run, `dev-worker-${index}`)),
      ["eu-central-1c", "eu-central-1b", "eu-central-1c"],
    );
  });

  it("gets machines as they must be: no old metadata service, encrypted, never replaced for user-data", () => {
    for (const run of [available, hidden]) {
      for (const { name, inputs, ignoreChanges, replaceOnChanges, deleteBeforeReplace } of run.of("Instance")) {
        assert.deepEqual(
          inputs["metadataOptions"],
          {
            httpEndpoint: "enabled",
            httpTokens: "required",
            httpPutResponseHopLimit: 1,
            instanceMetadataTags: "enabled",
          },
          name,
        );
        const disk = inputs["rootBlockDevice"] as Record<string, unknown>;
        assert.deepEqual(
          [disk["encrypted"], disk["volumeType"], disk["deleteOnTermination"]],
          [true, "gp3", true],
          name,
        );
        assert.deepEqual(
          [inputs["ami"], inputs["keyName"], inputs["userDataReplaceOnChange"]],
          ["ami-0123456789abcdef0", "dev", false],
          name,
        );
        assert.ok(ignoreChanges.includes("userData") && ignoreChanges.includes("keyName"), name);
        assert.deepEqual([...replaceOnChanges].sort(), ["instanceType", "rootBlockDevice.volumeSize"], name);
        assert.equal(deleteBeforeReplace, true, name);
        assert.ok(Buffer.byteLength(String(inputs["userData"])) <= 16_384, name);
        assert.equal((inputs["vpcSecurityGroupIds"] as string[]).length, 1, name);
      }
    }
    assert.equal(
      (available.one("Instance", "dev-worker-0").inputs["rootBlockDevice"] as Record<string, unknown>)["volumeSize"],
      16,
    );
  });

  it("never detaches a volume from a machine that may have it mounted: EC2 would be busy with it for ever", () => {
    const attachments = available.of("VolumeAttachment");
    assert.equal(attachments.length, 6);
    for (const { name, inputs } of attachments) assert.equal(inputs["skipDestroy"], true, name);
  });

  it("lets machines wait for their group and the way out", () => {
    const { dependsOn } = single.one("Instance", "dev-worker-0");
    for (const needed of [
      "securityGroup:SecurityGroup/dev-worker",
      "securityGroupEgressRule:SecurityGroupEgressRule/dev-worker",
      "route:Route/dev-public",
    ]) {
      assert.ok(
        dependsOn.some((key) => key.endsWith(needed)),
        `${needed} is not in ${dependsOn.join(" ")}`,
      );
    }
  });

  it("opens what the firewall table says, one rule for each source, and nothing else", () => {
    const spec = awsTestSpec();
    const sources = {
      admin: ["192.0.2.1/32"],
      everyone: ["everyone"],
      apiLoadBalancer: ["load-balancers"],
    } as Readonly<Record<string, readonly string[]>>;
    for (const [run, apiLoadBalancers] of [
      [single, false],
      [available, true],
    ] as const) {
      const table = firewallRules({ ...spec, apiLoadBalancers }, awsProfile, addonPorts(spec));
      for (const role of roles) {
        const wanted = table
          .filter((rule) => rule.role === role)
          .flatMap((rule) =>
            rule.from
              .map(String)
              .flatMap((source) => (sources[source] ?? [source]).map((from) => `${rule.purpose}-from-${from}`)),
          );
        assert.deepEqual(rulesOf(run, role), wanted.sort());
      }
      for (const rule of run.of("SecurityGroupIngressRule")) {
        const named = ["cidrIpv4", "cidrIpv6", "referencedSecurityGroupId"].filter((key) => key in rule.inputs);
        assert.equal(named.length, 1, rule.name);
      }
    }
    const api = single.one("SecurityGroupIngressRule", "dev-controller-api-from-worker").inputs;
    assert.deepEqual(
      [api["referencedSecurityGroupId"], api["fromPort"], api["toPort"], api["ipProtocol"]],
      ["securityGroup-dev-worker", 6443, 6443, "tcp"],
    );
  });

  it("opens neither SSH nor the API to everyone, and leaves no rule inside a group", () => {
    for (const run of [single, available, hidden]) {
      const open = run
        .of("SecurityGroupIngressRule")
        .filter(({ inputs }) => inputs["cidrIpv4"] === "0.0.0.0/0" || inputs["cidrIpv6"] === "::/0");
      assert.deepEqual(
        open.map(({ name }) => name),
        ["dev-public-http-from-everyone", "dev-public-https-from-everyone"],
      );
      for (const { inputs } of run.of("SecurityGroup")) assert.ok(!("ingress" in inputs) && !("egress" in inputs));
    }
  });

  it("takes IPv6 networks of administrators as such", async () => {
    const run = await runProgram(awsTestSpec({ adminCidrs: ["2001:db8::/32"] }));
    assert.equal(
      run.one("SecurityGroupIngressRule", "dev-etcd-ssh-from-2001:db8::/32").inputs["cidrIpv6"],
      "2001:db8::/32",
    );
  });

  it("gets encrypted volumes for etcd in the member's zone, protected, attached under the names that machines look for", () => {
    for (const [index, zone] of zones.entries()) {
      for (const [suffix, device] of [
        ["data", "/dev/xvdf"],
        ["wal", "/dev/xvdg"],
      ] as const) {
        const { inputs, protect } = available.one("Volume", `dev-etcd-${index}-${suffix}`);
        assert.deepEqual(
          [inputs["availabilityZone"], inputs["encrypted"], inputs["type"], protect],
          [zone, true, "gp3", true],
        );
        const attachment = available.one("VolumeAttachment", `dev-etcd-${index}-${suffix}`);
        assert.deepEqual(
          [attachment.inputs["deviceName"], attachment.inputs["instanceId"]],
          [device, `i-dev-etcd-${index}`],
        );
        assert.equal(attachment.deleteBeforeReplace, true);
      }
    }
  });

  it("buys operations for volumes that are sold by them", async () => {
    const run = await runProgram(awsTestSpec({ aws: { volumeType: "io2" } }));
    assert.deepEqual(
      [run.one("Volume", "dev-etcd-0-data").inputs["iops"], run.one("Volume", "dev-etcd-0-data").inputs["type"]],
      [500, "io2"],
    );
  });

  it("forwards the API untouched to every controller, over zones, and asks /readyz over HTTPS", () => {
    for (const [name, internal] of [
      ["dev-api", false],
      ["dev-api-internal", true],
    ] as const) {
      const { inputs } = available.one("LoadBalancer", name);
      assert.deepEqual(
        [
          inputs["internal"],
          inputs["loadBalancerType"],
          inputs["enableCrossZoneLoadBalancing"],
          inputs["securityGroups"],
        ],
        [internal, "network", true, ["securityGroup-dev-load-balancers"]],
      );
      assert.equal((inputs["subnets"] as string[]).length, 3);
      const group = available.one("TargetGroup", name).inputs;
      const { protocol, port, path } = group["healthCheck"] as Record<string, unknown>;
      assert.deepEqual(
        [protocol, port, path, group["protocol"], group["port"], group["preserveClientIp"]],
        ["HTTPS", "6443", "/readyz", "TCP", 6443, internal ? "false" : "true"],
      );
      const listener = available.one("Listener", name).inputs;
      assert.deepEqual(
        [listener["port"], listener["protocol"], listener["defaultActions"]],
        [6443, "TCP", [{ type: "forward", targetGroupArn: `arn:tg:${name}` }]],
      );
      const attached = available
        .of("TargetGroupAttachment")
        .filter(({ inputs: { targetGroupArn } }) => targetGroupArn === `arn:tg:${name}`);
      assert.deepEqual(
        attached.map(({ inputs: { targetId } }) => targetId),
        ["i-dev-controller-0", "i-dev-controller-1", "i-dev-controller-2"],
      );
    }
    assert.deepEqual(rulesOf(available, "load-balancers"), [
      "api-from-192.0.2.1/32",
      "api-from-controller",
      "api-from-public",
      "api-from-worker",
    ]);
    assert.deepEqual(single.of("LoadBalancer"), []);
  });

  it("names load balancers within what AWS takes", async () => {
    const run = await runProgram(awsTestSpec({ name: "a".repeat(40), highAvailability: true }));
    const names = [...run.of("LoadBalancer"), ...run.of("TargetGroup")].map(({ inputs }) => String(inputs["name"]));
    assert.deepEqual(
      names.filter((name) => name.length > 32 || !/^[a-z0-9-]+$/.test(name)),
      [],
    );
    assert.equal(new Set(names).size, 2);
  });

  it("hides machines in private subnets behind a bastion, with a way out in each zone", async () => {
    assert.deepEqual(
      hidden.of("NatGateway").map(({ name }) => name),
      zones.map((zone) => `dev-nat-${zone}`),
    );
    for (const { name, inputs } of hidden.of("Instance")) {
      const bastion = name === "dev-bastion";
      // The bastion's own address is an elastic one.
      assert.equal(inputs["associatePublicIpAddress"], false, name);
      assert.match(String(inputs["subnetId"]), bastion ? /^subnet-dev-public-/ : /^subnet-dev-private-/);
    }
    for (const role of roles)
      assert.deepEqual(
        rulesOf(hidden, role).filter((rule) => rule.startsWith("ssh")),
        ["ssh-from-bastion"],
      );
    assert.deepEqual(rulesOf(hidden, "bastion"), ["ssh-from-192.0.2.1/32"]);
    assert.ok(!("iamInstanceProfile" in hidden.one("Instance", "dev-bastion").inputs));
    const address = dropletAddresses("dev-etcd-0").private;
    assert.equal(hidden.one("Delivery", "dev-etcd-0").inputs["host"], address);
    const tags = hidden
      .of("Subnet")
      .map(({ inputs }) =>
        Object.keys(inputs["tags"] as object).filter((tag) => tag.startsWith("kubernetes.io/role/")),
      );
    assert.deepEqual([...new Set(tags.map(String))].sort(), [
      "kubernetes.io/role/elb",
      "kubernetes.io/role/internal-elb",
    ]);
    assert.equal((await valueOf(hidden.outputs.machines)).find(({ role }) => role === "worker")?.public_ipv4, "");
  });

  it("reaches machines through an address that outlives the bastion, which is replaced before any of them", () => {
    assert.equal(hidden.one("Eip", "dev-bastion").inputs["instance"], "i-dev-bastion");
    for (const { name, dependsOn } of hidden.of("Instance").filter((each) => each.name !== "dev-bastion")) {
      const bastion = dependsOn.filter((key) => key.endsWith("/dev-bastion") && /instance:|eip:/.test(key));
      assert.equal(bastion.length, 2, name);
    }
  });

  it("has one way out for all zones, or none, where the stack says so", async () => {
    const one = await runProgram(awsTestSpec({ aws: { machines: "private", nat: "single" } }));
    assert.deepEqual(
      one.of("NatGateway").map(({ name }) => name),
      ["dev-nat"],
    );
    assert.deepEqual(
      one.of("Route").map(({ name, inputs }) => [name, "natGatewayId" in inputs]),
      [...zones.map((zone) => [`dev-private-${zone}`, true]), ["dev-public", false]],
    );
    const none = await runProgram(awsTestSpec({ aws: { machines: "private", nat: "none" } }));
    assert.deepEqual([none.of("NatGateway").length, none.of("Route").length], [0, 1]);
    assert.deepEqual(
      none.of("Eip").map(({ name }) => name),
      ["dev-bastion"],
    );
    assert.equal(none.of("LoadBalancer").length, 2);
  });

  it("changes nothing that exists for a further worker", async () => {
    const more = await runProgram(awsTestSpec({ highAvailability: true, workerCount: 5 }));
    const seen = (run: Run): Map<string, string> =>
      new Map(
        run.registrations.map((registration: Registration) => [
          keyOf(registration),
          JSON.stringify(registration.inputs),
        ]),
      );
    const before = seen(available);
    const added = [...seen(more)]
      .filter(([key, inputs]) => before.get(key) !== inputs && !key.includes("Addon"))
      .map(([key]) => key);
    assert.deepEqual(
      added.filter((key) => key.startsWith("aws:")),
      ["aws:ec2/instance:Instance/dev-worker-4"],
    );
  });

  it("makes no role where nothing asks AWS", async () => {
    const run = await runProgram(awsTestSpec({ cloudProvider: "none", csiDriver: false }));
    const roles = run.of("Role").filter(({ type }) => type.startsWith("aws:"));
    assert.deepEqual([...roles, ...run.of("InstanceProfile")], []);
  });

  it("takes an image by id", async () => {
    const image = { id: "ami-0fedcba9876543210" };
    const run = await runProgram(awsTestSpec({ image: image.id }), { "aws:ec2/getAmi:getAmi": image });
    assert.equal(run.one("Instance", "dev-etcd-0").inputs["ami"], image.id);
  });
});
