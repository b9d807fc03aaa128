/** Stand-in for Pulumi's kubernetes plugin: objects by server-side apply, awaited until they serve. */
import { serve } from "../../../provider/rpc/process.js";
import { plugin } from "./plugin.js";

serve(plugin);
