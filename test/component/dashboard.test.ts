/** The dashboard: nobody is in without a token of their own. */
import assert from "node:assert/strict";
import { addonOptions } from "../../components/spec/settings/addons.js";
import { type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

describe("the dashboard", function () {
  this.timeout(runTimeout);
  let run: Run;
  let without: readonly string[];
  before(async () => {
    without = (await runProgram(testSpec())).registrations.map(({ name }) => name);
    const addons = addonOptions.addons.schema.parse({ dashboard: { enabled: true } });
    run = await runProgram(testSpec({ addons }));
  });
  const template = () => {
    const { inputs } = run.one("Deployment", "dev-headlamp");
    return (inputs["spec"] as { template: { spec: { serviceAccountName: string; containers: { args: string[] }[] } } })
      .template.spec;
  };

  it("is not there unless it is asked for", () => {
    assert.ok(without.includes("dev-coredns"));
    assert.deepEqual(
      without.filter((name) => /headlamp|dashboard/.test(name)),
      [],
    );
  });

  it("gives its pod no right of any kind", () => {
    assert.equal(template().serviceAccountName, "headlamp");
    const bound = [...run.of("ClusterRoleBinding"), ...run.of("RoleBinding")].flatMap(
      ({ inputs }) => inputs["subjects"] as Subject[],
    );
    assert.deepEqual(
      bound.filter(({ name, namespace }) => name === "headlamp" || namespace === "dashboard").map(({ name }) => name),
      ["viewer", "viewer"],
    );
    assert.ok(
      !template()
        .containers.flatMap(({ args }) => args)
        .some((arg) => /unsafe|oidc|kubeconfig/.test(arg)),
    );
  });

  it("has an account to sign in as that reads, and reads no Secrets", () => {
    const bindings = run
      .of("ClusterRoleBinding")
      .filter(({ inputs }) => (inputs["subjects"] as Subject[]).some(({ name }) => name === "viewer"));
    assert.deepEqual(
      bindings.map(({ inputs }) => (inputs["roleRef"] as { name: string }).name),
      ["view", "corekube:dashboard-viewer"],
    );
    const rules = run.one("ClusterRole", "dev-dashboard-viewer-cluster").inputs["rules"] as {
      resources: string[];
      verbs: string[];
    }[];
    for (const { verbs, resources } of rules) {
      assert.deepEqual(verbs, ["get", "list", "watch"]);
      assert.ok(!resources.some((resource) => resource === "*" || resource === "secrets"));
    }
  });

  it("is in a namespace whose pods are restricted, and out of reach from outside", () => {
    const { labels } = run.one("Namespace", "dev-namespace-dashboard").inputs["metadata"] as {
      labels: Record<string, string>;
    };
    assert.equal(labels["pod-security.kubernetes.io/enforce"], "restricted");
    const { type = "ClusterIP" } = run.one("Service", "dev-headlamp").inputs["spec"] as { type?: string };
    assert.equal(type, "ClusterIP");
    assert.ok(!JSON.stringify(template()).includes("hostPort"));
  });
});
