/** Stand-in for Pulumi's tls plugin: keys, certificate requests and certificates. */
import { serve } from "../../../provider/rpc/process.js";
import { plugin } from "./plugin.js";

serve(plugin);
