// Mutation testing: changes the product's code in small ways, one at a time, and asks whether a test fails.
// `npm run mutation` runs it on everything (hours); on a part, with the tests that are for it (seconds):
// `npm run mutation -- --mutate components/rollout/order.ts --testFiles test/rollout/order.test.ts`.
// With MUTATE_CONSTANTS=1 it also changes what is made once, while files are loaded, such as tables; each of these takes a process.

/** @type {import("@stryker-mutator/api/core").PartialStrykerOptions} */
export default {
  testRunner: "mocha",
  plugins: ["@stryker-mutator/mocha-runner"],
  // The launcher's own process does not load TypeScript.
  testRunnerNodeArgs: ["--import=tsx"],
  mochaOptions: {
    config: "test/mutation.mocharc.yaml",
  },
  coverageAnalysis: "perTest",
  mutate: [
    "infra/**/*.ts",
    "components/**/*.ts",
    "provider/**/*.ts",
    "policies/**/*.ts",
    "!**/generate.ts",
    "!**/main.ts",
  ],
  ignorePatterns: [".lab", "coverage", "/test/lab", "/test/cluster", "reports"],
  ignoreStatic: !process.env["MUTATE_CONSTANTS"],
  concurrency: 2,
  timeoutMS: 20_000,
  // All tests once, on a machine that does other things too.
  dryRunTimeoutMinutes: 30,
  tempDirName: ".lab/mutation",
  reporters: ["clear-text", "json", "progress-append-only"],
  jsonReporter: { fileName: ".lab/mutation-report.json" },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  checkers: [],
};
