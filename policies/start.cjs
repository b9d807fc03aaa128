"use strict";
// Entry of the pack: the engine's runner loads JavaScript. Without the project around it, the pack is compiled by tsx at each start.
const { existsSync } = require("node:fs");
const path = require("node:path");

const compiled = path.join(__dirname, "../start/compiled.cjs");
try {
  if (existsSync(compiled)) require(compiled).load("policies/index.ts");
  else {
    require("tsx/cjs");
    require("./index.ts");
  }
} catch (error) {
  console.error(
    `The policy pack cannot start: ${error.message}\nIf packages are missing, run "npm ci" in the project's folder, or "npm install" in ${__dirname} where the pack stands alone.`,
  );
  process.exit(1);
}
