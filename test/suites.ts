/** The suites of `make test`, in order: what is cheap and finds most comes first. */
export interface Suite {
  readonly name: string;
  /** A command; its exit code is the result. */
  readonly command?: readonly string[];
  /** Files for mocha; their tests are counted one by one. */
  readonly files?: readonly string[];
  /** Folders whose coverage is measured and printed. */
  readonly coverage?: readonly string[];
  /** Runs only when it is named: it takes long, and its figures need a machine that does nothing else. @default false */
  readonly onDemand?: boolean;
  /** Seconds until it is stopped and counts as failed. */
  readonly limit: number;
}

export const suites: readonly Suite[] = [
  { name: "types", command: ["tsc", "-p", "."], limit: 300 },
  { name: "lint", command: ["eslint", "."], limit: 600 },
  {
    name: "program: units, components on mocks, goldens",
    files: ["test/unit/**/*.test.ts", "test/component/**/*.test.ts", "test/golden/**/*.test.ts"],
    coverage: ["infra", "components"],
    limit: 900,
  },
  { name: "policies", files: ["test/policies/**/*.test.ts"], coverage: ["policies"], limit: 900 },
  { name: "ci", files: ["test/ci/**/*.test.ts"], limit: 1200 },
  { name: "provider", files: ["test/provider/**/*.test.ts"], limit: 1200 },
  { name: "manifests", files: ["test/manifests/**/*.test.ts"], limit: 1200 },
  { name: "rollout", files: ["test/rollout/*.test.ts"], limit: 900 },
  {
    name: "settings",
    files: ["test/settings/1-table.test.ts", "test/settings/3-identity.test.ts", "test/settings/4-stacks.test.ts"],
    limit: 900,
  },
  // Some 200 previews, as many at a time as there are cores.
  { name: "previews", files: ["test/settings/2-preview.test.ts"], limit: 3600 },
  { name: "lab", files: ["test/lab/**/*.test.ts"], limit: 1200 },
  { name: "cluster", files: ["test/cluster/*.test.ts"], limit: 1800 },
  { name: "aws", files: ["test/cluster/aws/*.test.ts"], limit: 2700 },
  { name: "ha", files: ["test/cluster/ha/*.test.ts"], onDemand: true, limit: 3600 },
];
