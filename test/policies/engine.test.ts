import assert from "node:assert/strict";
import path from "node:path";
import { rules } from "../../policies/rules.js";
import { CountingCloud } from "../support/countingCloud.js";
import { TestAws } from "../support/awsCloud.js";
import { shippedSettings } from "../support/shippedSettings.js";
import { cases } from "./cases/index.js";
import { culpritOf } from "./support/case.js";
import { PolicyEngine, type Preview, type Violation } from "./support/engine.js";
import { breakMark } from "./support/marks.js";

/** Stacks that the project ships, and settings that a team would change first. */
const shipped: readonly {
  readonly title: string;
  readonly stack: string;
  readonly changes?: Readonly<Record<string, unknown>>;
}[] = [
  { title: "dev", stack: "dev" },
  { title: "ha", stack: "ha" },
];

/** The lab writes the file with its mirror's checksums when it is up; without it the official ones hold. */
function withoutLab(settings: Record<string, unknown>): Record<string, unknown> {
  const { checksums: _, ...mirrors } = settings["corekube:mirrors"] as Record<string, unknown>;
  return { ...settings, "corekube:mirrors": mirrors };
}

/** Rule and resource without its type, sorted; an object of the stack is named by its own name too. */
function short(violations: readonly Violation[]): string[] {
  return violations.map(({ rule, resource }) => `${rule}: ${resource.slice(resource.lastIndexOf(": ") + 2)}`).sort();
}

describe("policy pack on the real engine", function () {
  // A preview takes 15 s on an idle machine, and minutes on one that is busy.
  this.timeout(600_000);
  const engine = new PolicyEngine();
  const program = path.join(__dirname, "program");
  const digitalocean = new CountingCloud();
  let api: Readonly<Record<string, string>> = {};

  before(async () => {
    api = { "digitalocean:apiEndpoint": await digitalocean.start() };
  });
  after(async () => {
    engine.remove();
    await digitalocean.stop();
  });

  function passes({ code, output, violations }: Preview): void {
    assert.deepEqual(violations, [], output);
    assert.equal(code, 0, output);
    assert.match(output, /✅ corekube@v\d/);
    // The engine says so when a rule could not run.
    assert.doesNotMatch(output, /can't run policy/);
  }

  for (const { title, stack, changes } of shipped) {
    it(`passes on ${title}`, async () =>
      passes(await engine.preview(stack, { settings: withoutLab(shippedSettings(stack, { ...api, ...changes })) })));
  }

  describe("on AWS", () => {
    let aws: TestAws;
    before(async () => {
      aws = await TestAws.start();
    });
    after(() => aws.stop());

    const onAws = (stack: string, changes: Readonly<Record<string, unknown>> = {}): Promise<Preview> => {
      const settings = shippedSettings(stack, {
        ...aws.config(),
        "aws:accessKey": "test",
        "aws:secretKey": "test",
        ...changes,
      });
      return engine.preview(stack, { settings: "corekube:mirrors" in settings ? withoutLab(settings) : settings });
    };

    it("passes on lab-aws", async () => passes(await onAws("lab-aws")));

    it("passes on aws: private machines, a bastion, NAT in every zone", async () =>
      passes(await onAws("aws", { "corekube:admin_cidrs": ["192.0.2.7/32"] })));
  });

  it("passes on every good case", async () =>
    passes(await engine.preview("test", { program, settings: { "policies:cases": "good" } })));

  describe("on every broken case", () => {
    let preview: Preview;
    before(async () => {
      preview = await engine.preview("test", { program, settings: { "policies:cases": "broken" } });
    });

    it("fails", () => {
      assert.notEqual(preview.code, 0, preview.output);
      assert.ok(preview.violations.every(({ level }) => level === "mandatory"));
      assert.doesNotMatch(preview.output, /can't run policy/);
    });

    cases.forEach((given, index) =>
      given.breaks.forEach((change, number) => {
        it(`names ${given.rule} and the resource: ${given.title}, ${change.title}`, () => {
          const mark = breakMark(index, number);
          const about = short(preview.violations).filter((line) => line.includes(`: ${mark}-`));
          assert.deepEqual(
            about,
            [`${given.rule}: ${mark}-${culpritOf(change)}`],
            preview.output.length > 20_000 ? undefined : preview.output,
          );
        });
      }),
    );

    it("names nothing else", () => {
      assert.equal(preview.violations.length, cases.flatMap(({ breaks }) => breaks).length);
    });
  });

  it("finds in the program's own stack what its settings and the pack's configuration break", async () => {
    const settings = withoutLab(
      shippedSettings("dev", {
        ...api,
        "corekube:admin_cidrs": ["0.0.0.0/0"],
        "corekube:image":
          "https://stable.release.flatcar-linux.net/amd64-usr/current/flatcar_production_digitalocean_image.bin.bz2",
        "corekube:node_count": 1,
      }),
    );
    const { code, output, violations } = await engine.preview("production", {
      settings,
      policies: {
        "etcd-odd-members": { minimum: 3 },
        "user-data-size": { limit: 100, allowed: ["kubernetes-worker-0"] },
        "user-data-without-secrets": { patterns: ["kind: KubeletConfiguration"] },
        "container-images-pinned": { byTag: [] },
        "resources-tagged": { keys: ["KubernetesCluster", "owner"], allowed: ["kubernetes"] },
        "no-privileged-pods": { namespaces: [] },
        "no-host-path-pods": { namespaces: [], enforcementLevel: "advisory" },
      },
    });
    assert.notEqual(code, 0, output);
    const authorities = ["etcd-ca", "front-proxy-ca", "kubernetes-ca"].map((name) => `kubernetes-${name}`);
    const machines = ["controller-0", "etcd-0", "worker-0"].map((name) => `kubernetes-${name}`);
    assert.deepEqual(
      short(violations),
      [
        ...[...authorities, ...authorities, "kubernetes-service-account"].map((name) => `ca-keys-protected: ${name}`),
        "container-images-pinned: kubernetes-kube-proxy",
        "etcd-odd-members: kubernetes",
        "no-host-path-pods: kubernetes-kube-flannel",
        "no-host-path-pods: kubernetes-kube-flannel",
        "no-host-path-pods: kubernetes-kube-flannel",
        "no-privileged-pods: kubernetes-kube-proxy",
        // Of controllers both ports.
        ...["controller", "controller", "etcd", "public", "worker"].map(
          (role) => `no-world-open-access: kubernetes-${role}`,
        ),
        "os-image-pinned: kubernetes",
        ...[...machines, "kubernetes-etcd-0-data", "kubernetes-etcd-0-wal"].map((name) => `resources-tagged: ${name}`),
        "user-data-size: kubernetes-controller-0",
        "user-data-size: kubernetes-etcd-0",
        "user-data-without-secrets: kubernetes-controller-0",
        "user-data-without-secrets: kubernetes-worker-0",
      ].sort(),
      output,
    );
    assert.deepEqual(
      [...new Set(violations.filter(({ rule }) => rule === "no-host-path-pods").map(({ level }) => level))],
      ["advisory"],
    );
  });

  it("refuses a configuration that a rule does not know", async () => {
    const { code, output } = await engine.preview("test", {
      program,
      settings: { "policies:cases": "good" },
      policies: { "user-data-size": { limit: "large" } },
    });
    assert.notEqual(code, 0);
    assert.match(output, /user-data-size/);
    assert.match(output, /limit/);
  });

  it("knows no rule without a case in the program", () => {
    assert.deepEqual(new Set(cases.map(({ rule }) => rule)), new Set(rules.map(({ name }) => name)));
  });
});
