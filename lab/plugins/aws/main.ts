/** Stand-in for Pulumi's aws plugin: what a cluster needs of AWS's EC2, Elastic Load Balancing and IAM. */
import { serve } from "../framework/serve.js";
import { createPlugin } from "./plugin.js";

serve(createPlugin(process.env));
