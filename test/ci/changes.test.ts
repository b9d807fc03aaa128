/** What the scripts make of the engine's events; the events were recorded from previews of a cluster in the lab. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { componentOf, readChanges, readDrift, shortType, type Plan } from "../../ci/lib/changes.js";
import { readEvent, type EngineEvent } from "../../engine/events.js";
import { costs, losses } from "../../ci/lib/kinds.js";
import { code, escape, shorten } from "../../ci/lib/markdown.js";
import { deviations, type PreviewRecord } from "../../ci/lib/record.js";
import { withoutSecrets } from "../../engine/secrets.js";
import { counts, previewSummary } from "../../ci/lib/summary.js";

const text = (name: string): string => readFileSync(join(__dirname, "recorded", `${name}.jsonl`), "utf8");
const recorded = (name: string): EngineEvent[] =>
  text(name)
    .split("\n")
    .flatMap((line) => readEvent(line) ?? []);
const summaryOf = (plan: Plan): string => previewSummary("prod", plan, { failed: false, errors: "", policies: true });
const record = (plan: Plan): PreviewRecord => ({
  version: 1,
  stack: "prod",
  failed: false,
  digest: plan.digest,
  changes: plan.changes,
});

describe("ci: changes", () => {
  const scale = readChanges(recorded("scale"));
  const replace = readChanges(recorded("replace"));

  it("separates creations, updates and unchanged resources, by component", () => {
    assert.equal(counts(scale), "2 created, 3 updated");
    assert.equal(scale.unchanged, 99);
    assert.deepEqual(
      scale.changes.map(({ component, name, action }) => `${component} ${name} ${action}`),
      [
        "controllers kubernetes-controller-0 update",
        "workers kubernetes-worker-0 update",
        "workers kubernetes-worker-1 update",
        "workers kubernetes-worker-2 create",
        "workers kubernetes-worker-2 create",
      ],
    );
    const summary = summaryOf(scale);
    assert.match(summary, /^## Preview of stack `prod`: 2 created, 3 updated$/m);
    assert.match(summary, /<b>workers<\/b>: 2 created, 2 updated/);
    assert.match(summary, /`size` "s-2vcpu-4gb" → "s-4vcpu-8gb"/);
    assert.doesNotMatch(summary, /CAUTION/);
  });

  it("counts a replacement's three steps once, and names lost machines loudly", () => {
    assert.equal(counts(replace), "2 replaced");
    assert.deepEqual(
      losses(replace.changes).map(({ name }) => name),
      ["kubernetes-worker-1"],
    );
    assert.match(
      summaryOf(replace),
      /> \[!CAUTION\]\n> \*\*1 machine, volume, load balancer or key is replaced or deleted:\*\*\n> - \*\*kubernetes-worker-1\*\* \(machine\) is \*\*replaced\*\*/,
    );
    assert.match(summaryOf(replace), /`machineId` .*\*\*\(replaces\)\*\*/);
  });

  it("names deleted volumes and keys of authorities among the losses, and other keys not", () => {
    const deletion = (type: string, chain: string): EngineEvent => ({
      resourcePreEvent: {
        metadata: { op: "delete", type, urn: `urn:pulumi:prod::corekube::${chain}$${type}::it`, old: null, new: null },
      },
    });
    const plan = readChanges([
      deletion("digitalocean:index/volume:Volume", "corekube:etcd:Cluster"),
      deletion("tls:index/privateKey:PrivateKey", "corekube:pki:Pki$corekube:pki:Authority"),
      deletion("tls:index/privateKey:PrivateKey", "corekube:pki:Certificate"),
    ]);
    assert.equal(losses(plan.changes).length, 2);
  });

  it("reports changed costs for creations and sizes of machines, not for joins", () => {
    assert.deepEqual(
      costs(scale.changes).map(({ name }) => name),
      ["kubernetes-controller-0", "kubernetes-worker-2"],
    );
    assert.deepEqual(costs(replace.changes), []);
    assert.match(summaryOf(replace), /Costs: neutral/);
  });

  it("lists violations of policies, mandatory ones as such", () => {
    const [event] = recorded("policy");
    const advisory = { policyEvent: { ...event!.policyEvent!, enforcementLevel: "advisory", policyName: "softer" } };
    const plan = readChanges([advisory, event!]);
    assert.deepEqual(
      plan.violations.map(({ mandatory, resource, policy }) => ({ mandatory, resource, policy })),
      [
        { mandatory: false, resource: "kubernetes", policy: "corekube/softer" },
        { mandatory: true, resource: "kubernetes", policy: "corekube/resources-tagged" },
      ],
    );
    const summary = summaryOf(plan);
    assert.match(
      summary,
      /2 violations\n\n- \*\*mandatory\*\* `corekube\/resources-tagged` at `kubernetes`: .*KubernetesCluster missing/,
    );
  });

  it("reads drift from what a refresh found, not from what it set out to read", () => {
    const drift = readDrift(recorded("drift"));
    assert.deepEqual(
      drift.changes.map(({ name, action, type }) => [name, action, shortType(type)]),
      [["kubernetes-worker", "update", "digitalocean:Firewall"]],
    );
    assert.match(drift.changes[0]!.properties[0]!.text, /8081|characters/);
    assert.equal(drift.changes[0]!.properties[0]!.path, "inboundRules[7]");
  });

  it("never takes debug messages of the engine in: they carry private keys", () => {
    assert.match(text("scale"), /"severity": ?"debug"/, "the recording has one");
    assert.equal(
      recorded("scale").some((event) => event.diagnosticEvent?.severity === "debug"),
      false,
    );
  });

  it("gives equal previews equal digests, and others not", () => {
    assert.equal(readChanges(recorded("scale")).digest, scale.digest);
    assert.deepEqual(deviations(record(scale), record(readChanges(recorded("scale")))), []);
    const changed = readChanges(
      text("scale")
        .replaceAll("s-4vcpu-8gb", "s-8vcpu-16gb")
        .split("\n")
        .flatMap((line) => readEvent(line) ?? []),
    );
    assert.notEqual(changed.digest, scale.digest);
    assert.match(
      deviations(record(scale), record(changed)).join("\n"),
      /^update .*kubernetes-controller-0: with other values than in the preview$/,
    );
    assert.match(
      deviations(record(scale), record(replace)).join("\n"),
      /replace .*kubernetes-worker-1: the preview had update|was not in the preview/,
    );
  });

  it("a preview that did not come to its end is not complete", () => {
    assert.equal(readChanges(recorded("scale").filter((event) => !event.summaryEvent)).complete, false);
  });

  it("components come from the chain of types", () => {
    assert.equal(
      componentOf("urn:pulumi:p::c::corekube:etcd:Cluster$corekube:pki:Certificate$tls:index/x:X::n"),
      "etcd",
    );
    assert.equal(componentOf("urn:pulumi:p::c::tls:index/privateKey:PrivateKey::n"), "stack");
  });
});

describe("ci: text of others", () => {
  it("becomes neither mark-up nor a mention", () => {
    assert.equal(escape("<img src=x> @team #1 [a](b)\nx"), "&lt;img src=x&gt; @\u200bteam #\u200b1 \\[a\\](b) x");
    assert.equal(code("a`b|c"), "`` a`b\\|c ``");
  });

  it("is cut where a comment would be too long, outside of folds", () => {
    const long = shorten(`<details>\n${"line\n".repeat(20_000)}</details>`);
    assert.ok(long.length <= 60_000);
    assert.match(long, /<\/details>\n\n_Shortened/);
  });

  it("loses secrets: private keys, and values of secret variables", () => {
    const env = {
      DIGITALOCEAN_TOKEN: "dop_v1_0123456789",
      PULUMI_CONFIG_PASSPHRASE: "correct horse",
      PULUMI_CONFIG_PASSPHRASE_FILE: "/etc/passphrase",
      SPACES_SECRET: "short",
    };
    assert.equal(
      withoutSecrets("a dop_v1_0123456789 b correct horse c /etc/passphrase d short", env),
      "a [secret] b [secret] c /etc/passphrase d short",
    );
    assert.equal(
      withoutSecrets("x -----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY----- y", {}),
      "x [secret] y",
    );
  });
});
