import { version } from "@pulumi/digitalocean/package.json";
import type { Plugin } from "../../../provider/rpc/kind.js";
import { standIn } from "../framework/standIn.js";
import { text } from "../framework/values.js";
import { Client } from "./client.js";
import { customImage, droplet } from "./droplet.js";
import { functions } from "./functions.js";
import { firewall } from "./firewall.js";
import { loadBalancer } from "./loadBalancer.js";
import { sshKey, tag, vpc } from "./simple.js";
import { volume, volumeAttachment } from "./volume.js";

const publicEndpoint = "https://api.digitalocean.com";

/** @param env Where the token is looked for when the provider's settings have none. */
export function createPlugin(env: NodeJS.ProcessEnv): Plugin<Client> {
  return standIn({
    name: "digitalocean",
    version,
    kinds: {
      "digitalocean:index/vpc:Vpc": vpc,
      "digitalocean:index/tag:Tag": tag,
      "digitalocean:index/sshKey:SshKey": sshKey,
      "digitalocean:index/droplet:Droplet": droplet,
      "digitalocean:index/volume:Volume": volume,
      "digitalocean:index/volumeAttachment:VolumeAttachment": volumeAttachment,
      "digitalocean:index/firewall:Firewall": firewall,
      "digitalocean:index/loadBalancer:LoadBalancer": loadBalancer,
      "digitalocean:index/customImage:CustomImage": customImage,
    },
    functions,
    settings: ["apiEndpoint", "token"],
    secretSettings: ["token"],
    problems: ({ apiEndpoint }) =>
      typeof apiEndpoint !== "string" || URL.canParse(apiEndpoint)
        ? []
        : [
            {
              property: "apiEndpoint",
              reason: `apiEndpoint: got ${JSON.stringify(apiEndpoint)}; it must be a URL such as ${publicEndpoint}`,
            },
          ],
    configure: (settings) => {
      const token = text(settings["token"]) ?? text(env["DIGITALOCEAN_TOKEN"]);
      if (token === undefined)
        throw new Error(
          "no token for DigitalOcean's API; set digitalocean:token in the stack's configuration, or DIGITALOCEAN_TOKEN in the environment",
        );
      return new Client(text(settings["apiEndpoint"]) ?? publicEndpoint, token);
    },
  });
}
