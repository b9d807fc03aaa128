"use strict";
// Starts a program of the lab from any current directory: everything is resolved from this file's own place.
const path = require("node:path");

const lab = path.dirname(__dirname);

module.exports = (name, file) => {
  const given = process.env.TSX_TSCONFIG_PATH;
  process.env.TSX_TSCONFIG_PATH = path.join(lab, "..", "tsconfig.json");
  try {
    require("tsx/cjs");
  } catch (error) {
    console.error(`${name} cannot start: its dependencies are not installed (${error.code ?? error.message}). Run "npm ci" in ${path.dirname(lab)} and try again.`);
    process.exit(1);
  }
  // Programs that it starts have a tsconfig.json of their own.
  if (given === undefined) delete process.env.TSX_TSCONFIG_PATH;
  else process.env.TSX_TSCONFIG_PATH = given;
  require(path.join(lab, file));
};
