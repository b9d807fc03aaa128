import assert from "node:assert/strict";
import fc from "fast-check";
import {
  mayDrain,
  mayGo as verdictOf,
  mayRestart,
  quorum,
  type Finding,
  type Verdict,
} from "../../components/rollout/gates.js";

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
    assert.deepEqual(mayDrain(1, new Map()), { allowed: true, obstacles: [] });
    assert.deepEqual(mayDrain(1, new Map([["worker-1", "it is being replaced"]])), {
      allowed: false,
      obstacles: ["worker-1 is not available: it is being replaced"],
    });
    assert.equal(mayDrain(2, new Map([["worker-1", "it is being replaced"]])).allowed, true);
  });
});

/** `down` are not healthy, `going` is the machine itself. */
interface Case {
  readonly what: string;
  readonly going: string;
  readonly cluster?: readonly string[];
  readonly down: readonly string[];
  /** Undefined: allowed. */
  readonly obstacles?: readonly string[];
}
const reason = "is not healthy: etcd is not ready: connection refused";
const noQuorum = (serving: number, size: number, needed: number): string =>
  `etcd would have no quorum: ${serving} of ${size} members would serve, ${needed} must`;
const noController = "no other controller serves the API";

function verdicts(decide: (going: Finding, others: readonly Finding[]) => Verdict, cases: readonly Case[]): void {
  for (const { what, going, cluster = names, down, obstacles } of cases) {
    it(what, () => {
      const found = cluster.map((machine) => finding(machine, !down.includes(machine)));
      const verdict = decide(
        found.find(({ machine }) => machine === going)!,
        found.filter(({ machine }) => machine !== going),
      );
      assert.equal(verdict.allowed, obstacles === undefined);
      assert.deepEqual(verdict.obstacles, obstacles ?? []);
    });
  }
}

describe("what the gate before a machine is taken away names", () => {
  verdicts(mayGo, [
    {
      what: "for a member that serves: all others that are not well, and what the quorum lacks",
      going: "etcd-0",
      down: ["etcd-1", "etcd-2", "controller-2"],
      obstacles: [`etcd-1 ${reason}`, `etcd-2 ${reason}`, `controller-2 ${reason}`, noQuorum(0, 3, 2)],
    },
    {
      what: "for a controller that serves while another does: the one that is not well",
      going: "controller-0",
      down: ["controller-1"],
      obstacles: [`controller-1 ${reason}`],
    },
    {
      what: "for the last controller that serves: that no other does",
      going: "controller-0",
      down: ["controller-1", "controller-2"],
      obstacles: [`controller-1 ${reason}`, `controller-2 ${reason}`, noController],
    },
    {
      what: "for the only controller: the member that is not well",
      going: "controller-0",
      cluster: ["etcd-0", "etcd-1", "etcd-2", "controller-0"],
      down: ["etcd-1"],
      obstacles: [`etcd-1 ${reason}`],
    },
    {
      what: "for a controller that does not serve, without a quorum: the members, and no controller",
      going: "controller-0",
      down: ["controller-0", "controller-1", "etcd-1", "etcd-2"],
      obstacles: [`etcd-1 ${reason}`, `etcd-2 ${reason}`, noQuorum(1, 3, 2)],
    },
    {
      what: "for the only controller, which does not serve, while the only member is down: the member",
      going: "controller-0",
      cluster: ["etcd-0", "controller-0"],
      down: ["controller-0", "etcd-0"],
      obstacles: [`etcd-0 ${reason}`, noQuorum(0, 1, 1)],
    },
    {
      what: "for the only member: nothing while the rest is well",
      going: "etcd-0",
      cluster: ["etcd-0", "controller-0"],
      down: [],
    },
    {
      what: "for the only member, which does not serve: nothing, since nobody else can bring it back",
      going: "etcd-0",
      cluster: ["etcd-0", "controller-0"],
      down: ["etcd-0", "controller-0"],
    },
  ]);

  it("that a machine gave no reason", () => {
    const { obstacles } = mayGo(finding("etcd-0"), [{ machine: "controller-0", role: "controller", healthy: false }]);
    assert.deepEqual(obstacles, ["controller-0 is not healthy: no reason given"]);
  });
});

describe("the gate before a service is restarted", () => {
  verdicts(
    (going, others) => mayRestart({ ...going, serves: going.healthy }, others),
    [
      { what: "is open for a member while the others have the quorum", going: "etcd-0", down: ["controller-0"] },
      {
        what: "is open for a member of five while another is down, since three are a quorum",
        going: "etcd-0",
        cluster: ["etcd-0", "etcd-1", "etcd-2", "etcd-3", "etcd-4"],
        down: ["etcd-3"],
      },
      {
        what: "is shut for a member whose quorum needs it, and names the members",
        going: "etcd-0",
        down: ["etcd-1", "controller-0"],
        obstacles: [`etcd-1 ${reason}`, noQuorum(1, 3, 2)],
      },
      { what: "is open for a member that does not serve, whatever else is down", going: "etcd-0", down: names },
      {
        what: "is open for the only member, which has nobody to wait for",
        going: "etcd-0",
        cluster: ["etcd-0", "controller-0", "controller-1"],
        down: ["controller-0", "controller-1"],
      },
      {
        what: "is open for a controller while one other serves",
        going: "controller-0",
        down: ["controller-1", "etcd-0", "etcd-1"],
      },
      {
        what: "is shut for the last controller that serves, and names the controllers",
        going: "controller-0",
        down: ["controller-1", "controller-2", "etcd-0"],
        obstacles: [`controller-1 ${reason}`, `controller-2 ${reason}`, noController],
      },
      { what: "is open for a controller that does not serve", going: "controller-0", down: names },
      {
        what: "is open for the only controller",
        going: "controller-0",
        cluster: ["etcd-0", "controller-0"],
        down: ["etcd-0"],
      },
    ],
  );
});
