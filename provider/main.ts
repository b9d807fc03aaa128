/** The provider's process. */
import { version } from "../package.json";
import { functions, kinds } from "./resources/index.js";
import { serve } from "./rpc/process.js";
import { checkSettings, parseSettings, secretSettings, settingsChanges } from "./operation/settings.js";

serve({
  name: "corekube",
  version,
  kinds,
  functions,
  secretSettings,
  checkSettings,
  diffSettings: settingsChanges,
  configure: parseSettings,
});
