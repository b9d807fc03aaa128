"use strict";
// Entry of the policy pack: the engine's runner loads JavaScript.
const path = require("node:path");

try {
  require(path.join(__dirname, "../start/compiled.cjs")).load("policies/index.ts");
} catch (error) {
  console.error(
    `The policy pack cannot start: ${error.message}\nIf packages are missing, run "npm ci" in the project's folder.`,
  );
  process.exit(1);
}
