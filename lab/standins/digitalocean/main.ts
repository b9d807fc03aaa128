/** Stand-in for Pulumi's digitalocean plugin: what a cluster needs of DigitalOcean's API v2. */
import { serve } from "../../../provider/rpc/process.js";
import { createPlugin } from "./plugin.js";

serve(createPlugin(process.env));
