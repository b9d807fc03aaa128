import { type Kind, type Plugin, type Properties } from "../framework/kind.js";
import { parseSetting } from "../framework/settings.js";
import { sdkDeclaration } from "../framework/types.js";
import { Client } from "./client.js";
import { CustomImage } from "./customImage.js";
import { Droplet } from "./droplet.js";
import { Firewall } from "./firewall.js";
import { LoadBalancer } from "./loadBalancer.js";
import { SshKey, Tag, Vpc } from "./simple.js";
import { Volume, VolumeAttachment } from "./volume.js";

const publicEndpoint = "https://api.digitalocean.com";

/** @param env Where the token and the endpoint are looked for when the provider's settings have none. */
export function createPlugin(env: NodeJS.ProcessEnv): Plugin {
  let client: Client | undefined;

  function cloud(): Client {
    if (client === undefined) {
      throw new Error(
        "no token for DigitalOcean's API; set digitalocean:token in the stack's configuration, or DIGITALOCEAN_TOKEN in the environment",
      );
    }
    return client;
  }

  const kinds: ReadonlyMap<string, Kind> = new Map<string, Kind>([
    ["digitalocean:index/vpc:Vpc", new Vpc(cloud)],
    ["digitalocean:index/tag:Tag", new Tag(cloud)],
    ["digitalocean:index/sshKey:SshKey", new SshKey(cloud)],
    ["digitalocean:index/droplet:Droplet", new Droplet(cloud)],
    ["digitalocean:index/volume:Volume", new Volume(cloud)],
    ["digitalocean:index/volumeAttachment:VolumeAttachment", new VolumeAttachment(cloud)],
    ["digitalocean:index/firewall:Firewall", new Firewall(cloud)],
    ["digitalocean:index/loadBalancer:LoadBalancer", new LoadBalancer(cloud)],
    ["digitalocean:index/customImage:CustomImage", new CustomImage(cloud)],
  ]);

  return {
    name: "digitalocean",
    sdk: "@pulumi/digitalocean",
    kind: (type) => kinds.get(type),
    offered: [...kinds.keys()].join(", "),
    declaration: sdkDeclaration,
    checkConfig: (settings) => {
      const endpoint = settings["apiEndpoint"];
      if (typeof endpoint !== "string" || URL.canParse(endpoint)) return [];
      return [
        {
          property: "apiEndpoint",
          reason: `apiEndpoint: got ${JSON.stringify(endpoint)}, it must be a URL such as ${publicEndpoint}`,
        },
      ];
    },
    configure: (settings) => {
      const token = text(settings, "token") ?? env["DIGITALOCEAN_TOKEN"] ?? env["DIGITALOCEAN_ACCESS_TOKEN"];
      client =
        token === undefined || token === ""
          ? undefined
          : new Client({
              endpoint: text(settings, "apiEndpoint") ?? env["DIGITALOCEAN_API_URL"] ?? publicEndpoint,
              token,
              retries: number(settings, "httpRetryMax", 4),
              minimumWait: number(settings, "httpRetryWaitMin", 1),
              maximumWait: number(settings, "httpRetryWaitMax", 30),
            });
    },
  };
}

function text(settings: Properties, name: string): string | undefined {
  const value = settings[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function number(settings: Properties, name: string, otherwise: number): number {
  const value = parseSetting(settings[name]);
  return typeof value === "number" ? value : otherwise;
}
