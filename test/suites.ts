/** The suites of `make test` and `make soak`, in order: cheap ones that find most come first. */
export interface Suite {
  /** As an argument of `test/run.ts`. */
  readonly name: string;
  /** A command; its exit code is the result. */
  readonly command?: readonly string[];
  /** Files for mocha; their tests are counted one by one. */
  readonly files?: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folders whose coverage is measured and printed. */
  readonly coverage?: readonly string[];
  /**
   * What is built or installed before: tools of the toolchain, or all that a region needs.
   * @default nothing but the Debian packages of tests, for suites with files
   */
  readonly needs?: readonly string[] | "region";
  /** Spends most of its time waiting for processes and time limits: runs beside those that compute. @default false */
  readonly waits?: boolean;
  /** Minutes on two idle cores with a warm cache. Only suites of `make soak` have it: they run only there, or when named. */
  readonly soak?: number;
  /** Seconds until it is stopped and counts as failed. */
  readonly limit: number;
}

const previews = ["test/settings/2-preview.test.ts"];

export const suites: readonly Suite[] = [
  { name: "types", command: ["npm", "run", "--silent", "types"], limit: 300 },
  { name: "lint", command: ["npm", "run", "--silent", "lint"], limit: 600 },
  {
    name: "program",
    files: ["test/unit/**/*.test.ts", "test/component/**/*.test.ts", "test/golden/**/*.test.ts"],
    coverage: ["infra", "components"],
    needs: ["ignition-validate"],
    limit: 900,
  },
  { name: "policies", files: ["test/policies/**/*.test.ts"], coverage: ["policies"], needs: ["pulumi"], limit: 900 },
  {
    name: "settings",
    files: [
      "test/settings/1-table.test.ts",
      "test/settings/3-identity.test.ts",
      "test/settings/4-stacks.test.ts",
      "test/settings/5-releases.test.ts",
    ],
    needs: ["pulumi"],
    limit: 900,
  },
  { name: "cli", files: ["test/cli/*.test.ts"], needs: ["pulumi", "etcd", "kube-apiserver"], limit: 1200 },
  { name: "ci", files: ["test/ci/**/*.test.ts"], needs: ["pulumi", "actionlint"], limit: 1200 },
  {
    name: "provider",
    files: ["test/provider/**/*.test.ts"],
    needs: ["pulumi", "etcd", "kube-apiserver", "kube-controller-manager"],
    waits: true,
    limit: 1200,
  },
  { name: "manifests", files: ["test/manifests/**/*.test.ts"], needs: ["kubeconform", "kubectl"], limit: 1200 },
  { name: "rollout", files: ["test/rollout/*.test.ts"], needs: ["pulumi"], waits: true, limit: 1800 },
  { name: "recorded", files: ["test/recorded/*.test.ts"], needs: ["pulumi"], limit: 900 },
  { name: "previews", files: previews, needs: ["pulumi"], limit: 1200 },
  { name: "lab", files: ["test/lab/**/*.test.ts"], needs: "region", limit: 1200 },
  { name: "cluster", files: ["test/cluster/*.test.ts"], needs: "region", limit: 1800 },
  { name: "aws", files: ["test/cluster/aws/*.test.ts"], needs: "region", limit: 1800 },

  {
    name: "all-previews",
    files: previews,
    env: { COREKUBE_TEST_PREVIEWS: "all" },
    needs: ["pulumi"],
    soak: 15,
    limit: 3600,
  },
  { name: "ha", files: ["test/cluster/ha/*.test.ts"], needs: "region", soak: 40, limit: 5400 },
  { name: "etcd", files: ["test/cluster/etcd/*.test.ts"], needs: "region", soak: 18, limit: 3600 },
  { name: "changes", files: ["test/cluster/changes/*.test.ts"], needs: "region", soak: 135, limit: 4 * 3600 },
  { name: "upgrade", files: ["test/cluster/upgrade/*.test.ts"], needs: "region", soak: 95, limit: 3 * 3600 },
  { name: "recovery", files: ["test/cluster/recovery/*.test.ts"], needs: "region", soak: 75, limit: 3 * 3600 },
  { name: "stacks", files: ["test/stacks/*.test.ts"], needs: ["pulumi"], soak: 3, limit: 2400 },
  { name: "existing-network", files: ["test/cluster/aws/soak/*.test.ts"], needs: "region", soak: 4, limit: 1200 },
  { name: "addons", files: ["test/cluster/addons/*.test.ts"], needs: "region", soak: 15, limit: 3 * 3600 },
  { name: "late", files: ["test/cluster/late/*.test.ts"], needs: "region", soak: 15, limit: 2700 },
  {
    name: "interrupt",
    command: ["node", "--import", "tsx", "test/cluster/interrupt.ts"],
    needs: "region",
    soak: 12,
    limit: 3600,
  },
  { name: "mutation", command: ["npm", "run", "--silent", "mutation"], soak: 240, limit: 8 * 3600 },
];
