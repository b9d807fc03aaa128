/** Stand-in for Pulumi's aws plugin: what a cluster needs of AWS's EC2, Elastic Load Balancing and IAM. */
import { serve } from "../../../provider/rpc/process.js";
import { createPlugin } from "./plugin.js";

// The project decides which version of Node runs it; a warning during a run does not help its user.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

serve(createPlugin(process.env));
