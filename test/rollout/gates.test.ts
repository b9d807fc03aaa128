import assert from "node:assert/strict";
import fc from "fast-check";
import { mayDrain, mayGo as verdictOf, quorum, type Finding, type Verdict } from "../../components/rollout/gates.js";

const finding = (machine: string, healthy = true): Finding => ({
  machine,
  role: machine.startsWith("etcd") ? "etcd" : "controller",
  healthy,
  ...(healthy ? {} : { reason: "etcd is not ready: connection refused" }),
});
/** @param machine By its finding: whether it serves. */
const mayGo = (going: Finding, others: readonly Finding[]): Verdict =>
  verdictOf({ ...going, serves: going.healthy }, others);
const names = ["etcd-0", "etcd-1", "etcd-2", "controller-0", "controller-1", "controller-2"];

describe("the gate before a machine is taken away", () => {
  it("is open when all others are healthy, whatever the state of the machine itself", () => {
    for (const going of names) {
      const verdict = mayGo(
        finding(going),
        names.filter((name) => name !== going).map((name) => finding(name)),
      );
      assert.deepEqual(verdict, { allowed: true, obstacles: [] });
    }
  });

  it("names every machine that is not healthy", () => {
    const verdict = mayGo(finding("etcd-0"), [
      finding("etcd-1", false),
      finding("etcd-2"),
      finding("controller-0", false),
    ]);
    assert.equal(verdict.allowed, false);
    assert.match(verdict.obstacles.join("\n"), /etcd-1 is not healthy: etcd is not ready/);
    assert.match(verdict.obstacles.join("\n"), /controller-0 is not healthy/);
    assert.match(verdict.obstacles.join("\n"), /quorum: 1 of 3 members would serve, 2 must/);
  });

  it("never lets etcd fall below its quorum, nor the last controller leave", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        (going, health) => {
          const others = names
            .map((name, index) => finding(name, health[index]))
            .filter(({ machine }) => machine !== going);
          if (!mayGo(finding(going), others).allowed) return;
          const left = (role: string): number => others.filter((other) => other.role === role && other.healthy).length;
          assert.ok(left("etcd") >= quorum(3), "quorum");
          assert.ok(left("controller") >= 1, "an API");
        },
      ),
    );
  });

  for (const members of [3, 5]) {
    const cluster = [
      ...Array.from({ length: members }, (_, index) => `etcd-${index}`),
      ...["controller-0", "controller-1", "controller-2"],
    ];
    const pairs = cluster.flatMap((one, index) => cluster.slice(index + 1).map((other) => [one, other] as const));
    for (const pair of pairs) {
      it(`lets ${pair.join(" and ")} be repaired while both quorums hold (${members} members)`, () => {
        const broken = new Set<string>(pair);
        const findings = (): Finding[] => cluster.map((name) => finding(name, !broken.has(name)));
        const serving = (role: string): number =>
          findings().filter((found) => found.role === role && found.healthy).length;
        const holds = serving("etcd") >= quorum(members) && serving("controller") >= 1;
        for (const machine of pair) {
          const others = findings().filter((found) => found.machine !== machine);
          assert.equal(mayGo(finding(machine, false), others).allowed, holds, machine);
          // One that serves stays while another is broken.
          for (const { machine: well } of others.filter(({ healthy }) => healthy))
            assert.equal(
              mayGo(
                finding(well),
                findings().filter((each) => each.machine !== well),
              ).allowed,
              false,
              well,
            );
        }
        if (!holds) return;
        for (const machine of pair) broken.delete(machine);
        assert.ok(findings().every(({ healthy }) => healthy));
      });
    }
  }

  it("repairs a controller while no other serves, since etcd was seen to hold what it needs", () => {
    const others = ["etcd-0", "etcd-1", "etcd-2"].map((name) => finding(name));
    const down = ["controller-1", "controller-2"].map((name) => finding(name, false));
    assert.equal(mayGo(finding("controller-0", false), [...others, ...down]).allowed, true);
    const unseen = others.map(({ machine }) => finding(machine, false));
    assert.equal(mayGo(finding("controller-0", false), [...unseen, ...down]).allowed, false);
  });

  it("reports the downtime when there is no replica", () => {
    assert.match(mayGo(finding("etcd-0"), [finding("controller-0")]).downtime ?? "", /only etcd member/);
    assert.match(mayGo(finding("controller-0"), [finding("etcd-0")]).downtime ?? "", /only controller/);
  });

  it("counts missing workers", () => {
    assert.equal(mayDrain(1, new Map()).allowed, true);
    assert.deepEqual(mayDrain(1, new Map([["worker-1", "it is being replaced"]])), {
      allowed: false,
      obstacles: ["worker-1 is not available: it is being replaced"],
    });
    assert.equal(mayDrain(2, new Map([["worker-1", "it is being replaced"]])).allowed, true);
  });
});
