/** Stand-in for Pulumi's aws plugin: what a cluster needs of AWS's EC2, Elastic Load Balancing and IAM. */
import { serve } from "../../../provider/rpc/process.js";
import { createPlugin } from "./plugin.js";

// The project says which Node runs it; a warning in the middle of a run helps nobody.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

serve(createPlugin(process.env));
