// Imports as they may be. `npm run lint` refuses the rest, types included.
"use strict";

/** Files below one of the folders. */
const within = (...folders) => `^(${folders.join("|")})/`;

const product = ["infra", "components", "provider", "policies", "ci"];

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-circles-of-files",
      severity: "error",
      comment: "Two files that need each other are one idea in two places: move what both need to a third one.",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-circles-of-folders",
      severity: "error",
      comment: "Folders show the architecture, and imports between them go one way.",
      scope: "folder",
      from: {},
      to: { circular: true },
    },
    {
      name: "product-without-lab",
      severity: "error",
      comment: "The product never imports the lab, the tests or the benchmarks.",
      from: { path: within(...product) },
      to: { path: within("lab", "test", "bench") },
    },
    {
      name: "components-without-program",
      severity: "error",
      comment: "Imports go one way: infra -> components.",
      from: { path: within("components") },
      to: { path: within("infra", "policies", "ci") },
    },
    {
      name: "spec-is-plain-data",
      severity: "error",
      comment: "components/spec imports nothing of ours but itself and versions.json, and not the engine.",
      from: { path: within("components/spec") },
      to: { path: [...product, "node_modules/@pulumi"].map((folder) => `^${folder}/`), pathNot: "^components/spec/" },
    },
    {
      name: "lab-knows-no-program",
      severity: "error",
      comment: "The lab knows versions, plain data and the clouds' APIs, not the program.",
      from: { path: within("lab") },
      to: { path: within("infra", "components", "policies", "test", "bench"), pathNot: "^components/spec/" },
    },
    {
      name: "checks-without-commands",
      severity: "error",
      comment: "Commands run checks, not the other way round.",
      from: { path: within("lab/checks", "lab/cis") },
      to: { path: within("lab/commands") },
    },
    {
      name: "no-development-packages",
      severity: "error",
      comment: "Users install without development packages.",
      from: { path: within(...product) },
      to: { dependencyTypes: ["npm-dev"], pathNot: "node_modules/@types/" },
    },
    {
      name: "packages-are-declared",
      severity: "error",
      comment: "What is imported stands in package.json. Tests use the packages of what they test.",
      from: { pathNot: within("test", "bench") },
      to: { dependencyTypes: ["npm-no-pkg", "unknown", "undetermined"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(\\.lab|coverage|node_modules/\\.cache)/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    enhancedResolveOptions: { extensions: [".ts", ".js", ".cjs", ".mjs", ".json"] },
  },
};
