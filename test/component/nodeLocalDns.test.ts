/** A cache of names on each node. */
import assert from "node:assert/strict";
import { addonOptions } from "../../components/spec/settings/addons.js";
import { keyOf, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

interface ServiceSpec {
  readonly clusterIP: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly trafficDistribution?: string;
}

const withCaches = () =>
  testSpec({ addons: addonOptions.addons.schema.parse({ coredns: { node_local_cache: true } }) });
const service = (run: Run, name: string): ServiceSpec =>
  run.one("Service", `dev-${name}`).inputs["spec"] as ServiceSpec;

describe("caches of names on nodes", function () {
  this.timeout(runTimeout);
  let [run, without] = [] as unknown as [Run, Run];
  before(async () => {
    [run, without] = [await runProgram(withCaches()), await runProgram(testSpec())];
  });

  it("stand behind kube-dns, whose pods prefer their own node's, and ask CoreDNS at a Service of its own", () => {
    assert.deepEqual(
      { ...service(run, "kube-dns"), ports: undefined },
      {
        clusterIP: "10.3.0.10",
        selector: { "k8s-app": "node-local-dns" },
        trafficDistribution: "PreferSameNode",
        ports: undefined,
      },
    );
    const upstream = service(run, "kube-dns-upstream");
    assert.deepEqual([upstream.clusterIP, upstream.selector], ["10.3.0.11", { "k8s-app": "kube-dns" }]);
    const { data } = run.one("ConfigMap", "dev-node-local-dns").inputs as { readonly data: Record<string, string> };
    assert.match(data["Corefile"]!, /forward \. 10\.3\.0\.11 \{\n\s+force_tcp/);
    assert.doesNotMatch(data["Corefile"]!, /kubernetes cluster\.local/);
  });

  it("serve before kube-dns leads to them; it is the Service that was there before", () => {
    const pods = run.registrations.find(
      ({ type, name }) => type === "corekube:cluster:NodePods" && name === "dev-node-local-dns",
    )!;
    const [now, before] = [run, without].map((each) => each.one("Service", "dev-kube-dns"));
    assert.ok(now!.dependsOn.includes(keyOf(pods)));
    assert.equal(keyOf(now!), keyOf(before!));
    assert.equal(now!.parent, before!.parent);
    assert.deepEqual(service(without, "kube-dns").selector, { "k8s-app": "kube-dns" });
    assert.ok(!without.registrations.some(({ name }) => /node-local|upstream/.test(name)));
  });

  it("are pods with a network of their own, on every node, without rights or a token", () => {
    const { template } = run.one("DaemonSet", "dev-node-local-dns").inputs["spec"] as {
      readonly template: { readonly spec: Readonly<Record<string, unknown>> };
    };
    const { hostNetwork, automountServiceAccountToken, tolerations, dnsPolicy } = template.spec;
    assert.deepEqual([hostNetwork, automountServiceAccountToken, dnsPolicy], [false, false, "Default"]);
    assert.deepEqual(tolerations, [{ operator: "Exists" }]);
    assert.ok(!run.of("ClusterRole").some(({ name }) => name.includes("node-local")));
  });

  it("are not there without CoreDNS", async () => {
    const addons = addonOptions.addons.schema.parse({ coredns: { enabled: false, node_local_cache: true } });
    const { registrations } = await runProgram(testSpec({ addons }));
    assert.ok(!registrations.some(({ name }) => /dns/.test(name)));
  });
});
