/** What the program asks DigitalOcean before it makes anything: the region and its sizes, the image, the account, tags and networks of other clusters. */
import type { PluginFunction } from "../../../provider/rpc/kind.js";
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { bags, isGiven, texts } from "../framework/values.js";
import { type Api, type Client, isStatus, type Json, valueOf } from "./client.js";

export const functions: Readonly<Record<string, PluginFunction<Client>>> = {
  "digitalocean:index/getAccount:getAccount": asking([], async (api) => {
    const account = await api.find("/v2/account", "account");
    return {
      id: valueOf(account["uuid"]),
      dropletLimit: valueOf(account["droplet_limit"]),
      status: valueOf(account["status"]),
      statusMessage: valueOf(account["status_message"]),
    };
  }),
  "digitalocean:index/getDroplets:getDroplets": asking([], async (api) => ({
    id: "droplets",
    droplets: (await all(api, "droplets")).map(({ id, name, vpc_uuid }) => ({
      id: valueOf(id),
      name: valueOf(name),
      vpcUuid: valueOf(vpc_uuid),
    })),
  })),
  "digitalocean:index/getImage:getImage": asking(["id", "slug"], async (api, args) => {
    const key = String(args["slug"] ?? args["id"]);
    try {
      const image = await api.find(`/v2/images/${key}`, "image");
      return { id: valueOf(image["id"]), regions: valueOf(image["regions"]), status: valueOf(image["status"]) };
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
      throw new Error(`could not find image ${key}: ${error.message}`, { cause: error });
    }
  }),
  "digitalocean:index/getRegion:getRegion": asking(["slug"], async (api, { slug = "" }) => {
    const region = (await all(api, "regions")).find((one) => one["slug"] === slug);
    if (region === undefined) throw new Error(`Region does not exist: ${String(slug)}`);
    return {
      id: slug,
      slug,
      available: valueOf(region["available"]),
      features: valueOf(region["features"]),
      sizes: valueOf(region["sizes"]),
    };
  }),
  "digitalocean:index/getTags:getTags": asking(["filters"], async (api, args) => {
    const wanted = bags(args["filters"]).map(({ key, values, matchBy }) => {
      if (key !== "name" || (isGiven(matchBy) && matchBy !== "exact"))
        throw new Error("filters: the lab's stand-in filters tags by their exact name only");
      return texts(values);
    });
    const found = (await all(api, "tags")).filter(({ name }) => wanted.every((names) => names.includes(String(name))));
    return { id: "tags", tags: found.map(tagOf) };
  }),
  "digitalocean:index/getVpc:getVpc": asking(["id"], async (api, args) => {
    const vpc = await api.find(`/v2/vpcs/${String(args["id"])}`, "vpc");
    return {
      id: valueOf(vpc["id"]),
      name: valueOf(vpc["name"]),
      region: valueOf(vpc["region"]),
      ipRange: valueOf(vpc["ip_range"]),
    };
  }),
};

function tagOf({ name, resources }: Json): Properties {
  const counts = resources as Readonly<Record<string, { readonly count?: number }>> & { readonly count?: number };
  const count = (kind: string): Value => counts[kind]?.count ?? 0;
  return {
    name: valueOf(name),
    totalResourceCount: counts.count ?? 0,
    dropletsCount: count("droplets"),
    imagesCount: count("images"),
    volumesCount: count("volumes"),
  };
}

/** All pages of a list. */
async function all(api: Api, kind: string): Promise<readonly Json[]> {
  const found: Json[] = [];
  for (let page = 1; ; page += 1) {
    const answer = await api.call("GET", `/v2/${kind}?per_page=200&page=${page}`);
    found.push(...((answer[kind] ?? []) as Json[]));
    const { pages } = (answer["links"] ?? {}) as { pages?: { next?: string } };
    if (pages?.next === undefined) return found;
  }
}

function asking(
  known: readonly string[],
  answer: (api: Api, args: Properties) => Promise<Properties>,
): PluginFunction<Client> {
  return async (args, { settings, signal }) => {
    const unsupported = Object.keys(args).filter((name) => isGiven(args[name]) && !known.includes(name));
    if (unsupported.length > 0)
      throw new Error(`the lab's stand-in does not support the arguments ${unsupported.join(", ")}`);
    return answer(settings.api(signal), args);
  };
}
