/** Stand-in for Pulumi's kubernetes plugin: objects by server-side apply, awaited until they serve. */
import { serve } from "../framework/serve.js";
import { createPlugin } from "./plugin.js";

serve(createPlugin(process.env));
