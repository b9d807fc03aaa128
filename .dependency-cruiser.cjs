// Imports as they may be. `npm run lint` refuses the rest, types included.
"use strict";

/** Files below one of the folders. */
const within = (...folders) => `^(${folders.join("|")})/`;

const product = ["infra", "components", "cli", "provider", "policies", "ci"];
const ours = [...product, "engine", "lab", "test", "bench"];
/** Folders of the clouds in components/. */
const clouds = "^components/(aws|digitalocean)/";

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
      to: { path: within("infra", "cli", "policies", "ci") },
    },
    {
      name: "command-alone",
      severity: "error",
      comment: "The command only watches and calls the program: nothing of the product needs it.",
      from: { path: within("infra", "provider", "policies", "ci", "engine") },
      to: { path: within("cli") },
    },
    {
      name: "plans-are-pure",
      severity: "error",
      comment: "What a plan shows follows from resources and events alone.",
      from: { path: within("cli/plans") },
      to: { path: ["^cli/(commands/|stack\\.ts)", "^node:(fs|child_process)"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "spec-is-plain-data",
      severity: "error",
      comment: "components/spec imports nothing of ours but itself and versions/, and not the engine.",
      from: { path: within("components/spec") },
      to: { path: [...product, "node_modules/@pulumi"].map((folder) => `^${folder}/`), pathNot: "^components/spec/" },
    },
    {
      name: "engine-alone",
      severity: "error",
      comment: "engine/ runs pulumi for the product and for the lab, and imports nothing else of ours.",
      from: { path: within("engine") },
      to: { path: within(...ours), pathNot: within("engine") },
    },
    {
      name: "clouds-by-their-list",
      severity: "error",
      comment:
        "components/clouds.ts is the list of clouds; everything else works with the definitions that stand there.",
      from: { pathNot: [clouds, "^components/clouds\\.ts$", within("test")] },
      to: { path: clouds },
    },
    {
      name: "clouds-by-their-index",
      severity: "error",
      comment: "A cloud's index.ts loads the rest of its folder when it is needed.",
      from: { path: "^components/clouds\\.ts$" },
      to: { path: clouds, pathNot: `${clouds}index\\.ts$` },
    },
    {
      name: "clouds-without-each-other",
      severity: "error",
      comment: "What two clouds need stands in components/cloud.",
      from: { path: clouds },
      to: { path: clouds, pathNot: "^components/$1/" },
    },
    {
      name: "provider-behind-its-resources",
      severity: "error",
      comment: "In the program, the provider's work is a resource; its code is not called.",
      from: { path: within("components", "infra"), pathNot: within("components/rollout/provider") },
      to: { path: within("provider") },
    },
    {
      name: "rollout-in-the-provider",
      severity: "error",
      comment: "The provider's resources call the rollout, not the other way round.",
      from: { path: within("components/rollout/provider") },
      to: { path: ["^provider/main\\.ts$", within("provider/resources", "provider/rpc")] },
    },
    {
      name: "provider-without-program",
      severity: "error",
      comment: "The provider needs the contract with the program, the rollout's own code and the immutable settings.",
      from: { path: within("provider") },
      to: {
        path: within("components", "infra"),
        pathNot: [within("components/contract", "components/immutables"), "^components/rollout/(?!program/)"],
      },
    },
    {
      name: "lab-knows-no-program",
      severity: "error",
      comment: "The lab knows versions, plain data and the clouds' APIs, not the program.",
      from: { path: within("lab") },
      to: { path: within("infra", "components", "policies", "test", "bench"), pathNot: "^components/spec/" },
    },
    {
      name: "lab-without-commands",
      severity: "error",
      comment: "Commands call the rest of the lab, not the other way round.",
      from: { path: "^lab/[^/]+/", pathNot: within("lab/commands") },
      to: { path: within("lab/commands") },
    },
    {
      name: "lab-process-alone",
      severity: "error",
      comment: "lab/process is what every part of the lab may use.",
      from: { path: within("lab/process") },
      to: { path: within(...ours), pathNot: within("lab/process") },
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
