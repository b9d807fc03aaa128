/**
 * The metadata service at 169.254.169.254, in DigitalOcean's layout (/metadata/v1/).
 *
 * A droplet is known by its source address, which the region's firewall does not let it forge; so it sees its own data only,
 * and a client that is no droplet sees nothing.
 */
import { createHash } from "node:crypto";
import type { Server } from "node:http";
import { nthAddress, prefixLength } from "../../../components/spec/cidr.js";
import type { LabConfig } from "../../config.js";
import { type Tree, metadataPlace, serveMetadata, treeAt } from "../../region/metadataServer.js";
import { netmask } from "./addresses.js";
import { machineSpec } from "./desired.js";
import type { State } from "./state.js";

/** What the service shows of a droplet. */
export interface DropletMetadata {
  readonly id: number;
  readonly name: string;
  readonly region: string;
  readonly publicIpv4: string;
  readonly privateIpv4: string;
  readonly vpcCidr: string;
  readonly macs: { readonly public: string; readonly private: string };
  readonly tags: readonly string[];
  readonly userData: string;
  readonly sshKeys: readonly string[];
}

/** The droplet that has an address; undefined when none has. */
export function dropletByAddress(state: State, address: string): DropletMetadata | undefined {
  const droplet = state.droplets.find(({ publicIpv4, privateIpv4 }) => [publicIpv4, privateIpv4].includes(address));
  return droplet && { ...machineSpec(state, droplet), region: droplet.region, tags: droplet.tags };
}

/** Both interfaces: kind, address, netmask, gateway and hardware address. */
const interfacesOf = (config: LabConfig, droplet: DropletMetadata) =>
  [
    ["public", droplet.publicIpv4, config.publicCidr, config.gateway],
    ["private", droplet.privateIpv4, droplet.vpcCidr, nthAddress(droplet.vpcCidr, 1)],
  ].map(([type, ip, network, gateway]) => ({
    type: type as "public" | "private",
    ip: ip!,
    netmask: netmask(prefixLength(network!)),
    gateway: gateway!,
    mac: droplet.macs[type as "public" | "private"],
  }));

function tree(config: LabConfig, droplet: DropletMetadata): Tree {
  return {
    id: String(droplet.id),
    hostname: droplet.name,
    "user-data": droplet.userData,
    "vendor-data": "",
    "public-keys": droplet.sshKeys.map((key) => key.trim()).join("\n"),
    region: droplet.region,
    interfaces: Object.fromEntries(
      interfacesOf(config, droplet).map(({ type, ip, netmask, gateway, mac }) => [
        type,
        { "0": { ipv4: { address: ip, netmask, gateway }, mac, type } },
      ]),
    ),
    floating_ip: { ipv4: { active: "false" } },
    reserved_ip: { ipv4: { active: "false" } },
    dns: { nameservers: config.gateway },
    tags: droplet.tags.join("\n"),
    features: { dhcp_enabled: "false" },
  };
}

/** The whole as one document, `/metadata/v1.json`. */
const json = (config: LabConfig, droplet: DropletMetadata): unknown => ({
  droplet_id: droplet.id,
  hostname: droplet.name,
  user_data: droplet.userData,
  vendor_data: "",
  public_keys: droplet.sshKeys,
  region: droplet.region,
  interfaces: Object.fromEntries(
    interfacesOf(config, droplet).map(({ type, ip, netmask, gateway, mac }) => [
      type,
      [{ ipv4: { ip_address: ip, netmask, gateway }, mac, type }],
    ]),
  ),
  floating_ip: { ipv4: { active: false } },
  reserved_ip: { ipv4: { active: false } },
  dns: { nameservers: [config.gateway] },
  tags: droplet.tags,
  features: { dhcp_enabled: false },
});

/** Answer to a path; undefined: there is nothing. */
export function metadataAnswer(
  config: LabConfig,
  droplet: DropletMetadata,
  path: string,
): { readonly type: string; readonly body: string } | undefined {
  if (path === "/metadata/v1.json") return { type: "application/json", body: JSON.stringify(json(config, droplet)) };
  const match = /^\/metadata\/v1(?:\/(.*))?$/.exec(path);
  if (!match) return undefined;
  const node = treeAt(tree(config, droplet), (match[1] ?? "").split("/").filter(Boolean));
  if (node === undefined) return undefined;
  if (typeof node === "string") return { type: "text/plain; charset=utf-8", body: node };
  const listing = Object.entries(node).map(([name, child]) =>
    typeof child === "string" || name === "tags" ? name : `${name}/`,
  );
  return { type: "text/plain; charset=utf-8", body: listing.join("\n") };
}

/** Serves metadata; must run inside the region's namespace. `port` and `host` are for tests. */
export function startMetadata(
  config: LabConfig,
  lookup: (address: string) => DropletMetadata | undefined,
  listen = metadataPlace,
): Promise<Server> {
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
