/** Stand-in for Pulumi's aws plugin: what a cluster needs of AWS's EC2, Elastic Load Balancing and IAM. */
import { serve } from "../framework/serve.js";
import { createPlugin } from "./plugin.js";

// Which Node runs is for the project to say, and not in the middle of a run.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

serve(createPlugin(process.env));
