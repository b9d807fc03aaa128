/** NetworkPolicies on clusters with flannel. */
import assert from "node:assert/strict";
import { addonPorts } from "../../components/addons/list.js";
import type { ClusterSpec } from "../../components/spec/cluster.js";
import { dropletAddresses } from "./support/mocks.js";
import { keyOf, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

const name = "kube-network-policies";

const withPolicies = (
  block: Partial<ClusterSpec["addons"]["network_policies"]> = {},
  changes: Partial<ClusterSpec> = {},
): ClusterSpec => {
  const { addons } = testSpec();
  return testSpec({
    ...changes,
    addons: { ...addons, network_policies: { ...addons.network_policies, enabled: true, ...block } },
  });
};

interface Template {
  readonly spec: {
    readonly hostNetwork: boolean;
    readonly tolerations: unknown;
    readonly volumes?: unknown;
    readonly containers: readonly {
      readonly image: string;
      readonly command: readonly string[];
      readonly env: readonly { readonly name: string; readonly value?: string }[];
      readonly securityContext: unknown;
      readonly readinessProbe?: object;
    }[];
  };
}

const pod = (run: Run): Template["spec"] =>
  (run.one("DaemonSet", `dev-${name}`).inputs["spec"] as { template: Template }).template.spec;
const flags = (run: Run): readonly string[] => pod(run).containers[0]!.command;
const names = (run: Run): string[] => run.registrations.map((each) => each.name).filter((each) => each.includes(name));

describe("network policies", function () {
  this.timeout(runTimeout);
  let run: Run;
  before(async () => {
    run = await runProgram(withPolicies());
  });

  it("are left out unless a setting says so, and where users bring the network", async () => {
    assert.deepEqual(names(await runProgram(testSpec())), []);
    const own = withPolicies({}, { networkProvider: "none" });
    assert.deepEqual(names(await runProgram(own)), []);
    assert.ok(!addonPorts(own).some(({ purpose }) => purpose.startsWith("network-policies")));
  });

  it("are decided on every node, whatever its taints, by a program that may configure the network and nothing else", () => {
    const { hostNetwork, tolerations, volumes, containers } = pod(run);
    assert.equal(hostNetwork, true);
    assert.deepEqual(tolerations, [{ operator: "Exists" }]);
    assert.equal(volumes, undefined);
    assert.equal(containers.length, 1);
    assert.match(containers[0]!.image, /^registry\.k8s\.io\/networking\/kube-network-policies:v0\.8\.0@sha256:/);
    assert.deepEqual(containers[0]!.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"], add: ["NET_ADMIN"] },
    });
    assert.ok(containers[0]!.readinessProbe);
  });

  it("are read from the API at its internal address, with rights to nothing else", () => {
    const { env } = pod(run).containers[0]!;
    assert.equal(
      env.find((each) => each.name === "KUBERNETES_SERVICE_HOST")?.value,
      dropletAddresses("dev-controller-0").private,
    );
    assert.deepEqual(run.one("ClusterRole", `dev-${name}`).inputs["rules"], [
      { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["list", "watch"] },
      { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: ["list", "watch"] },
    ]);
  });

  it("close without the program, unless a setting opens", async () => {
    assert.ok(flags(run).includes("--fail-open=false"));
    assert.ok(flags(await runProgram(withPolicies({ fail_open: true }))).includes("--fail-open=true"));
  });

  it("leave nothing on nodes: what the program left is removed after its pods, by an image that nodes have", () => {
    const cleanup = run.registrations.find(({ type }) => type === "corekube:cluster:NodeCleanup")!;
    assert.ok(run.one("DaemonSet", `dev-${name}`).dependsOn.includes(keyOf(cleanup)));
    const { image, command, namespace } = cleanup.inputs;
    const proxy = run.one("DaemonSet", "dev-kube-proxy").inputs["spec"] as { template: Template };
    assert.equal(image, proxy.template.spec.containers[0]!.image);
    assert.deepEqual(command, ["nft", `add table inet ${name}; delete table inet ${name}`]);
    assert.equal(namespace, "kube-system");
  });

  it("serve metrics to the machine itself only, and log no connections unless asked to", async () => {
    assert.ok(flags(run).includes("--metrics-bind-address=127.0.0.1:10251"));
    assert.deepEqual(
      addonPorts(withPolicies()).filter(({ port }) => port === 10251),
      [
        {
          purpose: "network-policies-metrics",
          on: ["controller", "worker", "public"],
          protocol: "tcp",
          port: 10251,
          from: [],
        },
      ],
    );
    for (const [logLevel, expected] of [
      ["ERROR", 0],
      ["WARN", 1],
      ["INFO", 1],
      ["DEBUG", 4],
    ] as const)
      assert.ok(flags(await runProgram(withPolicies({}, { logLevel }))).includes(`--v=${expected}`), logLevel);
  });
});
