"use strict";
// Entry of the pack: the engine's runner loads JavaScript, and tsx makes it load TypeScript.
try {
  require("tsx/cjs");
} catch (error) {
  console.error(
    `The policy pack cannot start: its dependencies are not installed (${error.code ?? error.message}). Run "npm ci" in the project's folder.`,
  );
  process.exit(1);
}
require("./index.ts");
