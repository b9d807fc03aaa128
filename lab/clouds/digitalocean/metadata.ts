/**
 * The metadata service at 169.254.169.254, in DigitalOcean's layout (/metadata/v1/).
 *
 * A droplet is known by its source address, which the region's firewall does not let it forge; so it sees only its own
 * data, and whoever is no droplet sees nothing.
 */
import { createHash } from "node:crypto";
import type { Server } from "node:http";
import type { DropletSpec } from "./driver.js";
import type { LabConfig } from "../../config.js";
import { metadataPlace, serveMetadata } from "../../region/metadataServer.js";

/** Finds the droplet that has an address; undefined when none has. */
export type DropletLookup = (address: string) => DropletSpec | undefined;

/** A folder of the metadata tree; leaves are text. */
interface Tree {
  readonly [name: string]: string | Tree;
}

/** Netmask of a prefix length: 20 gives "255.255.240.0". */
export function netmask(prefix: number): string {
  return [0, 8, 16, 24].map((shift) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - shift)))).join(".");
}

/** First address of a network: the gateway of a VPC. */
export function firstAddress(cidr: string): string {
  const [address, prefix] = cidr.split("/") as [string, string];
  const mask = netmask(Number(prefix)).split(".").map(Number);
  const network = address.split(".").map((part, index) => Number(part) & mask[index]!);
  network[3]! += 1;
  return network.join(".");
}

function tree(config: LabConfig, droplet: DropletSpec): Tree {
  const publicPrefix = Number(config.publicCidr.split("/")[1]);
  const privatePrefix = Number(droplet.vpcCidr.split("/")[1]);
  return {
    id: String(droplet.id),
    hostname: droplet.name,
    "user-data": droplet.userData,
    "vendor-data": "",
    "public-keys": droplet.sshKeys.map((key) => key.trim()).join("\n"),
    region: droplet.region,
    interfaces: {
      public: {
        "0": {
          ipv4: { address: droplet.publicIpv4, netmask: netmask(publicPrefix), gateway: config.gateway },
          mac: droplet.macs.public,
          type: "public",
        },
      },
      private: {
        "0": {
          ipv4: {
            address: droplet.privateIpv4,
            netmask: netmask(privatePrefix),
            gateway: firstAddress(droplet.vpcCidr),
          },
          mac: droplet.macs.private,
          type: "private",
        },
      },
    },
    floating_ip: { ipv4: { active: "false" } },
    reserved_ip: { ipv4: { active: "false" } },
    dns: { nameservers: config.gateway },
    tags: droplet.tags.join("\n"),
    features: { dhcp_enabled: "false" },
  };
}

/** The whole as one document, `/metadata/v1.json`. */
function json(config: LabConfig, droplet: DropletSpec): unknown {
  const publicPrefix = Number(config.publicCidr.split("/")[1]);
  const privatePrefix = Number(droplet.vpcCidr.split("/")[1]);
  const address = (ip: string, prefix: number, gateway: string) => ({
    ip_address: ip,
    netmask: netmask(prefix),
    gateway,
  });
  return {
    droplet_id: droplet.id,
    hostname: droplet.name,
    user_data: droplet.userData,
    vendor_data: "",
    public_keys: droplet.sshKeys,
    region: droplet.region,
    interfaces: {
      public: [
        { ipv4: address(droplet.publicIpv4, publicPrefix, config.gateway), mac: droplet.macs.public, type: "public" },
      ],
      private: [
        {
          ipv4: address(droplet.privateIpv4, privatePrefix, firstAddress(droplet.vpcCidr)),
          mac: droplet.macs.private,
          type: "private",
        },
      ],
    },
    floating_ip: { ipv4: { active: false } },
    reserved_ip: { ipv4: { active: false } },
    dns: { nameservers: [config.gateway] },
    tags: droplet.tags,
    features: { dhcp_enabled: false },
  };
}

/** Answer to a path; undefined: there is nothing. */
export function metadataAnswer(
  config: LabConfig,
  droplet: DropletSpec,
  path: string,
): { readonly type: string; readonly body: string } | undefined {
  if (path === "/metadata/v1.json") return { type: "application/json", body: JSON.stringify(json(config, droplet)) };
  const match = /^\/metadata\/v1(?:\/(.*))?$/.exec(path);
  if (!match) return undefined;
  let node: string | Tree | undefined = tree(config, droplet);
  const parts = (match[1] ?? "").split("/").filter(Boolean);
  for (const part of parts) {
    if (typeof node === "string" || node === undefined || !Object.hasOwn(node, part)) return undefined;
    node = node[part];
  }
  if (node === undefined) return undefined;
  if (typeof node === "string") return { type: "text/plain; charset=utf-8", body: node };
  const listing = Object.entries(node).map(([name, child]) =>
    typeof child === "string" || name === "tags" ? name : `${name}/`,
  );
  return { type: "text/plain; charset=utf-8", body: listing.join("\n") };
}

/** Serves metadata; must run inside the region's namespace. `port` and `host` are for tests. */
export function startMetadata(config: LabConfig, lookup: DropletLookup, listen = metadataPlace): Promise<Server> {
  return serveMetadata(({ request, response, address, path }) => {
    const droplet = lookup(address);
    const answer =
      droplet && path !== undefined && (request.method === "GET" || request.method === "HEAD")
        ? metadataAnswer(config, droplet, path)
        : undefined;
    if (!answer) {
      response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
      return;
    }
    const tag = createHash("sha256").update(answer.body).digest("hex").slice(0, 16);
    response.writeHead(200, {
      "content-type": answer.type,
      "content-length": Buffer.byteLength(answer.body),
      etag: `"${tag}"`,
    });
    response.end(request.method === "HEAD" ? undefined : answer.body);
  }, listen);
}
