import assert from "node:assert/strict";
import { type DotsClient, dotsClient } from "./dotsClient.js";
import type { Optional } from "./strictNode.js";
import { at, config, publicKey, TestApi, textAt } from "./support.js";

/** What the description lists and the original leaves out too where it does not apply. */
const optional: Optional = {
  ErrorEscaped: [],
  Backward_links: ["first", "prev"],
  // Of one or of several droplets, and of a reserved IP that no droplet has.
  DropletsPostResponse: ["droplet", "droplets"],
  Reserved_ipsPostResponse_links: ["actions", "droplets"],
  Page_links: ["pages"],
  Links: ["pages"],
  Droplet: ["gpu_info"],
  Size: ["gpu_info"],
  // Resources of kinds that a lab does not have, or links to none.
  Tags_metadata: ["last_tagged_uri"],
  Tags_resources: ["last_tagged_uri", "imgages"],
  Tags_resources_droplets: ["last_tagged_uri"],
  Tags_resources_volumes: ["last_tagged_uri"],
  Tags_resources_volume_snapshots: ["last_tagged_uri"],
  Tags_resources_databases: ["last_tagged_uri"],
  Firewall_rule_target: ["addresses", "droplet_ids", "load_balancer_uids", "kubernetes_ids", "tags"],
  Load_balancer: ["domains", "glb_settings", "target_load_balancer_ids"],
  Sticky_sessions: ["cookie_name", "cookie_ttl_seconds"],
  Droplet_backup_policy_record: ["backup_policy", "next_backup_window"],
};

/** What the original answers and the description leaves out. */
const extra: Optional = {
  // Spelled "imgages" there.
  Tags_resources: ["images"],
  Account: ["reserved_ip_limit", "volume_limit"],
  // The client reads the links of any page as those of a last page.
  Backward_links: ["next", "last"],
};

describe("lab API, read by the client of the public description", function () {
  this.timeout(60_000);
  const api = new TestApi();
  let client: DotsClient;

  before(async () => {
    await api.start();
    const address = await api.api.app.listen({ host: "127.0.0.1", port: 0 });
    client = await dotsClient(address, config.token, optional, extra);
  });
  after(() => api.stop());

  /** A test whose answers must all be as described. */
  const described = (name: string, test: () => Promise<void>): void => {
    it(name, async () => {
      await test();
      assert.deepEqual(client.problems.splice(0), []);
    });
  };

  const droplet = async (name: string): Promise<number> => {
    const made = await client.call("post", ["v2", "droplets"], {
      name,
      region: "fra1",
      size: "s-1vcpu-1gb",
      image: "debian-12-x64",
      tags: ["machine"],
    });
    await api.settled();
    return Number(at(made, "droplet.id"));
  };

  described("account, regions, sizes", async () => {
    await client.call("get", ["v2", "account"]);
    await client.call("get", ["v2", "regions"]);
    const sizes = await client.call("get", ["v2", "sizes"], { queryParameters: { perPage: 5, page: 2 } });
    assert.match(textAt(sizes, "links.pages.prev"), /page=1/);
  });

  described("keys", async () => {
    const made = await client.call("post", ["v2", "account", "keys"], { name: "key", publicKey });
    const key = ["bySsh_key_identifier", textAt(made, "sshKey.fingerprint")] as const;
    await client.call("put", ["v2", "account", "keys", key], { name: "renamed" });
    await client.call("get", ["v2", "account", "keys"]);
    assert.equal(at(await client.call("get", ["v2", "account", "keys", key]), "sshKey.name"), "renamed");
    await client.call("delete", ["v2", "account", "keys", key]);
  });

  described("images", async () => {
    await client.call("get", ["v2", "images"]);
    const made = await client.call("post", ["v2", "images"], {
      name: "flatcar",
      url: "https://example.com/f.img",
      region: "fra1",
      distribution: "CoreOS",
    });
    const image = ["byImage_id", Number(at(made, "image.id"))] as const;
    await client.call("get", ["v2", "images", image]);
    await client.call("put", ["v2", "images", image], { name: "renamed" });
    await client.call("get", ["v2", "images", image, "actions"]);
    await client.call("delete", ["v2", "images", image]);
  });

  described("droplets, their actions and lists", async () => {
    const id = await droplet("one");
    const item = ["byDroplet_id", id] as const;
    await client.call("post", ["v2", "droplets"], {
      names: ["two", "three"],
      region: "fra1",
      size: "s-1vcpu-1gb",
      image: "debian-12-x64",
      backups: true,
    });
    await api.settled();
    assert.equal(at(await client.call("get", ["v2", "droplets", item]), "droplet.status"), "active");
    await client.call("get", ["v2", "droplets"]);
    const action = await client.call("post", ["v2", "droplets", item, "actions"], { type: "reboot" });
    await api.settled();
    await client.call("get", ["v2", "actions", ["byAction_id", Number(at(action, "action.id"))]]);
    await client.call("get", ["v2", "actions"]);
    await client.call("post", ["v2", "droplets", item, "actions"], { type: "snapshot" });
    await api.settled();
    for (const list of [
      "actions",
      "snapshots",
      "backups",
      "kernels",
      "firewalls",
      "neighbors",
      "destroy_with_associated_resources",
    ]) {
      await client.call("get", ["v2", "droplets", item, list]);
    }
    await client.call("get", ["v2", "droplets", item, "backups", "policy"]);
    await client.call("get", ["v2", "droplets", "backups", "supported_policies"]);
    await client.call("get", ["v2", "snapshots"]);
    await client.call("delete", ["v2", "droplets", item]);
    await api.settled();
  });

  described("volumes, their actions and snapshots", async () => {
    const machine = await droplet("with-volume");
    const made = await client.call("post", ["v2", "volumes"], {
      name: "data",
      region: "fra1",
      sizeGigabytes: 10,
      description: "",
      filesystemType: "ext4",
    });
    const volume = ["byVolume_id", textAt(made, "volume.id")] as const;
    await client.call("post", ["v2", "volumes", volume, "actions"], {
      type: "attach",
      dropletId: machine,
      region: "fra1",
    });
    await api.settled();
    await client.call("get", ["v2", "volumes", volume]);
    await client.call("get", ["v2", "volumes"]);
    await client.call("get", ["v2", "volumes", volume, "actions"]);
    await client.call("post", ["v2", "volumes", volume, "snapshots"], { name: "picture" });
    await client.call("get", ["v2", "volumes", volume, "snapshots"]);
    await client.call("get", ["v2", "snapshots"]);
  });

  described("tags", async () => {
    await client.call("post", ["v2", "tags"], { name: "env:test" });
    await client.call("get", ["v2", "tags"]);
    const tag = ["byTag_id", "machine"] as const;
    await client.call("get", ["v2", "tags", tag]);
    await client.call("delete", ["v2", "tags", ["byTag_id", "env:test"]]);
  });

  described("VPCs", async () => {
    const made = await client.call("post", ["v2", "vpcs"], { name: "net", region: "fra1", ipRange: "10.60.0.0/20" });
    const vpc = ["byVpc_id", textAt(made, "vpc.id")] as const;
    await client.call("get", ["v2", "vpcs"]);
    await client.call("get", ["v2", "vpcs", vpc]);
    await client.call("put", ["v2", "vpcs", vpc], { name: "renamed", description: "" });
    await client.call("patch", ["v2", "vpcs", vpc], { description: "more" });
    await client.call("get", ["v2", "vpcs", vpc, "members"]);
    await client.call("delete", ["v2", "vpcs", vpc]);
  });

  described("firewalls", async () => {
    const rules = {
      inboundRules: [{ protocol: "tcp", ports: "22", sources: { addresses: ["192.0.2.1"], tags: ["machine"] } }],
      outboundRules: [],
    };
    const made = await client.call("post", ["v2", "firewalls"], { name: "guard", tags: ["machine"], ...rules });
    const firewall = ["byFirewall_id", textAt(made, "firewall.id")] as const;
    await client.call("get", ["v2", "firewalls"]);
    await client.call("get", ["v2", "firewalls", firewall]);
    await client.call("put", ["v2", "firewalls", firewall], { name: "guard", ...rules });
    await client.call("delete", ["v2", "firewalls", firewall]);
  });

  described("load balancers", async () => {
    // The client sends nothing of a request that may have one of two forms.
    const rules = [{ entry_protocol: "tcp", entry_port: 443, target_protocol: "tcp", target_port: 443 }];
    const { load_balancer } = await api.post("/v2/load_balancers", {
      name: "lb",
      region: "fra1",
      tag: "machine",
      forwarding_rules: rules,
    });
    const balancer = ["byLb_id", textAt(load_balancer, "id")] as const;
    await api.settled();
    assert.equal(at(await client.call("get", ["v2", "load_balancers", balancer]), "loadBalancer.status"), "active");
    await client.call("get", ["v2", "load_balancers"]);
    await client.call("delete", ["v2", "load_balancers", balancer]);
  });

  described("reserved IPs and projects", async () => {
    const made = await client.call("post", ["v2", "reserved_ips"], { region: "fra1" });
    await client.call("get", ["v2", "reserved_ips"]);
    await client.call("get", ["v2", "reserved_ips", ["byReserved_ip", textAt(made, "reservedIp.ip")], "actions"]);
    await client.call("get", ["v2", "projects"]);
    await client.call("get", ["v2", "projects", "defaultEscaped"]);
    await client.call("get", ["v2", "projects", "defaultEscaped", "resources"]);
  });

  described("errors", async () => {
    const answer = client.call("get", ["v2", "droplets", ["byDroplet_id", 1]]);
    await assert.rejects(answer, (error: { id?: string; messageEscaped?: string }) => error.id === "not_found");
  });
});
