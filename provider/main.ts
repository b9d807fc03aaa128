/** The provider's process. */
import { functions, kinds } from "./resources/index.js";
import { serve } from "./rpc/process.js";
import { checkSettings, parseSettings, secretSettings, settingsChanges } from "./settings.js";

serve({
  name: "corekube",
  version: "0.1.0",
  kinds,
  functions,
  secretSettings,
  checkSettings,
  diffSettings: settingsChanges,
  configure: parseSettings,
});
