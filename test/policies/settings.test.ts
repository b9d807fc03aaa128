/** What each setting of a rule does, and that no rule falls over what it does not expect. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { rules } from "../../policies/rules.js";
import { cases } from "./cases/index.js";
import { broken, culpritOf, type Given } from "./support/case.js";
import { run, type RunOptions, unknownText } from "./support/run.js";

function ruleOf(name: string): (typeof rules)[number] {
  const found = rules.find((rule) => rule.name === name);
  assert.ok(found, name);
  return found;
}

/** Resources of a case with one thing broken. */
function brokenCase(rule: string, caseTitle: string, title: string): Given[] {
  const found = cases.find((given) => given.rule === rule && given.title === caseTitle);
  const change = found?.breaks.find((candidate) => candidate.title === title);
  assert.ok(found && change, `${rule}: ${caseTitle}: ${title}`);
  return broken(found.resources, change);
}

const resources = (rule: string, title: string): readonly Given[] => {
  const found = cases.find((given) => given.rule === rule && given.title === title);
  assert.ok(found, `${rule}: ${title}`);
  return found.resources;
};

describe("settings of policy rules", () => {
  it("allow a resource by its name, in every rule", async () => {
    for (const { rule, resources: good, breaks } of cases) {
      for (const change of breaks) {
        const given = broken(good, change);
        assert.deepEqual(
          await run(ruleOf(rule), given, { settings: { allowed: [culpritOf(change)] } }),
          [],
          `${rule}: ${change.title}`,
        );
        assert.equal(
          (await run(ruleOf(rule), given, { settings: { allowed: ["another"] } })).length,
          1,
          `${rule}: ${change.title}`,
        );
      }
    }
  });

  interface Effect {
    readonly rule: string;
    readonly what: string;
    readonly given: () => readonly Given[];
    readonly options: RunOptions;
    /** What it says with them; null: nothing. */
    readonly says: RegExp | null;
  }

  const effects: readonly Effect[] = [
    {
      rule: "etcd-odd-members",
      what: "minimum",
      given: () => resources("etcd-own-volume", "instances"),
      options: { settings: { minimum: 3 } },
      says: /has 1 members, at least 3/,
    },
    {
      rule: "etcd-own-volume",
      what: "root",
      given: () => brokenCase("etcd-own-volume", "droplets", "attached to another machine"),
      options: { settings: { root: ["etcd"] } },
      says: null,
    },
    {
      rule: "no-world-open-access",
      what: "ports",
      given: () => resources("no-world-open-access", "firewall"),
      options: { settings: { ports: [30080] } },
      says: /inboundRules\[1\]: port 30080/,
    },
    {
      rule: "no-world-open-access",
      what: "ports, left out",
      given: () => brokenCase("no-world-open-access", "firewall", "the API"),
      options: { settings: { ports: [22] } },
      says: null,
    },
    {
      rule: "encrypted-disks",
      what: "accountEncrypts",
      given: () => brokenCase("encrypted-disks", "AWS", "volume that does not say"),
      options: { settings: { accountEncrypts: true } },
      says: null,
    },
    {
      rule: "encrypted-disks",
      what: "accountEncrypts, and false said",
      given: () => brokenCase("encrypted-disks", "AWS", "volume"),
      options: { settings: { accountEncrypts: true } },
      says: /got false/,
    },
    {
      rule: "user-data-size",
      what: "limit",
      given: () => brokenCase("user-data-size", "largest", "one byte more"),
      options: { settings: { limit: 65_536 } },
      says: null,
    },
    {
      rule: "user-data-without-secrets",
      what: "patterns",
      given: () => resources("user-data-without-secrets", "droplet"),
      options: { settings: { patterns: ["check kube\\w+"] } },
      says: /bin\/install contains what "check kube/,
    },
    {
      rule: "ca-keys-protected",
      what: "stacks",
      given: () => brokenCase("ca-keys-protected", "as the program makes them", "key"),
      options: { stack: "lab", project: "ours", settings: { stacks: ["ours/lab"] } },
      says: null,
    },
    {
      rule: "ca-keys-protected",
      what: "stacks, another project",
      given: () => brokenCase("ca-keys-protected", "as the program makes them", "key"),
      options: { stack: "dev", project: "ours" },
      says: /not protected/,
    },
    {
      rule: "ca-keys-protected",
      what: "stacks, the lab's",
      given: () => brokenCase("ca-keys-protected", "as the program makes them", "key"),
      options: { stack: "dev", project: "corekube" },
      says: null,
    },
    {
      rule: "resources-tagged",
      what: "keys",
      given: () => resources("machines-behind-firewall", "droplets by tag"),
      options: { settings: { keys: ["KubernetesCluster", "owner"] } },
      says: /tags: owner missing/,
    },
    {
      rule: "resources-tagged",
      what: "the provider's default tags",
      given: () => brokenCase("resources-tagged", "AWS", "no tags"),
      options: { provider: { defaultTags: '{"tags":{"KubernetesCluster":"test"}}' } },
      says: null,
    },
    {
      rule: "container-images-pinned",
      what: "byTag",
      given: () => brokenCase("container-images-pinned", "pod", "a tag alone"),
      options: { settings: { byTag: ["docker.io/library/nginx"] } },
      says: null,
    },
    {
      rule: "container-images-pinned",
      what: "byTag, without an exact one",
      given: () => brokenCase("container-images-pinned", "other ways", "first container"),
      options: { settings: { byTag: ["busybox"] } },
      says: /busybox has no tag that is an exact version/,
    },
    {
      rule: "no-wildcard-iam",
      what: "actions",
      given: () => brokenCase("no-wildcard-iam", "roles and policies", "every action of a service"),
      options: { settings: { actions: ["s3:*"] } },
      says: null,
    },
    {
      rule: "no-wildcard-iam",
      what: "unscoped",
      given: () => brokenCase("no-wildcard-iam", "roles and policies", "every resource"),
      options: { settings: { unscoped: ["^s3:PutObject$", "^ec2:Describe"] } },
      says: null,
    },
    {
      rule: "no-privileged-pods",
      what: "namespaces",
      given: () => brokenCase("no-privileged-pods", "pod", "privileged"),
      options: { settings: { namespaces: ["web"] } },
      says: null,
    },
    {
      rule: "no-host-path-pods",
      what: "namespaces",
      given: () => brokenCase("no-host-path-pods", "pod", "host path"),
      options: { settings: { namespaces: ["web"] } },
      says: null,
    },
    {
      rule: "instance-metadata-v2",
      what: "hops",
      given: () => brokenCase("instance-metadata-v2", "AWS", "pods reach it"),
      options: { settings: { hops: 2 } },
      says: null,
    },
  ];

  for (const { rule, what, given, options, says } of effects) {
    it(`${rule}: ${what}`, async () => {
      const said = await run(ruleOf(rule), given(), options);
      if (says === null) assert.deepEqual(said, []);
      else assert.match(said.map(({ message }) => message).join("\n"), says);
    });
  }

  it("are all tested here", () => {
    const tested = new Set(effects.map(({ rule, what }) => `${rule}.${what.split(",")[0]}`));
    const all = rules.flatMap(({ name, configSchema }) =>
      Object.keys(configSchema?.properties ?? {}).map((key) => `${name}.${key}`),
    );
    assert.deepEqual(
      all.filter((setting) => !setting.endsWith(".allowed") && !tested.has(setting)),
      [],
    );
  });
});

describe("policy rules and values that they do not expect", () => {
  const given = cases.flatMap(({ resources: some, breaks }) => [some, ...breaks.map((change) => broken(some, change))]);
  const odd = fc.constantFrom<unknown>(
    unknownText,
    undefined,
    null,
    "",
    "x",
    "*",
    0,
    -1,
    true,
    [],
    [unknownText],
    [null],
    {},
    { hostPath: unknownText },
  );

  /** The value with some parts of it exchanged. */
  function mangled(value: unknown, next: () => unknown, chance: () => boolean): unknown {
    if (chance()) return next();
    if (Array.isArray(value)) return value.map((item) => mangled(item, next, chance));
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mangled(item, next, chance)]));
    return value;
  }

  it("no rule throws", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...given),
        fc.infiniteStream(odd),
        fc.infiniteStream(fc.nat(5)),
        async (some, values, dice) => {
          const next = (): unknown => values.next().value;
          const chance = (): boolean => dice.next().value === 0;
          const resources = some.map((resource) => ({
            ...resource,
            props: (mangled(resource.props ?? {}, next, chance) ?? {}) as Record<string, unknown>,
          }));
          for (const rule of rules)
            await run(
              rule,
              resources.map((resource) => (typeof resource.props === "object" ? resource : { ...resource, props: {} })),
            );
        },
      ),
      { numRuns: 400 },
    );
  });

  it("what is not known yet hides nothing beside it", async () => {
    const firewall = brokenCase("no-world-open-access", "firewall", "the API");
    const [first] = firewall;
    const rulesOf = first?.props?.["inboundRules"] as Record<string, unknown>[];
    rulesOf[0] = {
      ...rulesOf[0],
      portRange: unknownText,
      sourceAddresses: [unknownText, "198.51.100.7/32"],
      sourceTags: unknownText,
    };
    const said = await run(ruleOf("no-world-open-access"), firewall);
    assert.match(said.map(({ message }) => message).join("\n"), /^inboundRules\[1\]: port 6443 is open/);
  });
});
