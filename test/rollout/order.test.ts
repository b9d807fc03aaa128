/** Whatever happens to a run, and however often it is begun again: the order keeps what must be kept. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { next, type Stages, type Standing } from "../../components/rollout/order.js";

const pool = (name: string, count: number, atOnce = 1) => ({
  name,
  machines: Array.from({ length: count }, (_, index) => `${name}-${index}`),
  atOnce,
});

const stages = fc
  .record({
    controlPlane: fc.constantFrom(1, 3),
    workers: fc.integer({ min: 0, max: 8 }),
    publics: fc.integer({ min: 0, max: 3 }),
    atOnce: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ controlPlane, workers, publics, atOnce }): Stages => [
    [pool("etcd", controlPlane)],
    [pool("controller", controlPlane)],
    [pool("worker", workers, atOnce), pool("public", publics, atOnce)],
  ]);
/** What happens in each step: which of the machines under way ends, whether well, and whether the run is killed and begun anew. */
const events = fc.array(fc.record({ which: fc.nat(), ends: fc.constantFrom("well", "badly", "killed") }), {
  maxLength: 60,
});

const machinesOf = (all: Stages): string[] => all.flat().flatMap(({ machines }) => [...machines]);

describe("order of machines", () => {
  it("makes all machines of a new cluster at once", () => {
    const all: Stages = [[pool("etcd", 3)], [pool("controller", 3)], [pool("worker", 1000)]];
    assert.equal(next(all, () => "absent").length, 1006);
  });

  it("makes a further worker at once, and holds the others back only meanwhile", () => {
    const all: Stages = [[pool("etcd", 1)], [pool("worker", 3)]];
    const standing = new Map<string, Standing>([
      ["etcd-0", "waiting"],
      ["worker-0", "waiting"],
      ["worker-1", "waiting"],
      ["worker-2", "absent"],
    ]);
    assert.deepEqual(
      next(all, (name) => standing.get(name)!),
      ["etcd-0", "worker-2"],
    );
    standing.set("etcd-0", "done").set("worker-2", "done");
    assert.deepEqual(
      next(all, (name) => standing.get(name)!),
      ["worker-0"],
    );
  });

  it("touches members that serve one at a time, and so many workers as may be missing, in any run of failures and kills", () => {
    fc.assert(
      fc.property(stages, events, (all, steps) => {
        // The world: what serves. The run: what it thinks of it.
        const serves = new Set(machinesOf(all));
        let standing = new Map<string, Standing>(machinesOf(all).map((name) => [name, "waiting"]));
        const proceed = (): void => {
          for (const name of next(all, (machine) => standing.get(machine)!)) {
            if (standing.get(name) === "waiting") standing.set(name, "touched");
            serves.delete(name);
          }
        };
        const begin = (): void => {
          standing = new Map(
            machinesOf(all).map((name): [string, Standing] => [name, serves.has(name) ? "waiting" : "absent"]),
          );
        };
        for (const { which, ends } of steps) {
          proceed();
          for (const [index, stage] of all.entries()) {
            for (const { name, machines, atOnce } of stage) {
              const down = machines.filter((machine) => !serves.has(machine));
              assert.ok(down.length <= atOnce, `${name}: ${down.join(", ")} down together`);
              // One that a killed run left down is made again at once, whatever is before it: nothing else can bring it back.
              const taken = down.filter((machine) => standing.get(machine) === "touched");
              const earlier = all
                .slice(0, index)
                .flat()
                .flatMap((each) => each.machines);
              if (taken.length > 0)
                assert.ok(
                  earlier.every((machine) => serves.has(machine)),
                  `${taken.join(", ")} taken although something before is down`,
                );
            }
          }
          const underway = machinesOf(all).filter((name) => !serves.has(name) && standing.get(name) !== "done");
          const one = underway[which % Math.max(1, underway.length)];
          if (ends === "killed" || one === undefined) begin();
          else if (ends === "well") {
            serves.add(one);
            standing.set(one, "done");
          }
          // Badly: it stays as it is, and so does everything that waits for it.
        }
      }),
      { numRuns: 500 },
    );
  });

  it("comes to an end when nothing fails, each machine once", () => {
    fc.assert(
      fc.property(stages, (all) => {
        const standing = new Map<string, Standing>(machinesOf(all).map((name) => [name, "waiting"]));
        const touched: string[] = [];
        for (
          let names = next(all, (name) => standing.get(name)!);
          names.length > 0;
          names = next(all, (name) => standing.get(name)!)
        ) {
          for (const name of names) {
            touched.push(name);
            standing.set(name, "done");
          }
        }
        assert.deepEqual([...touched].sort(), machinesOf(all).sort());
      }),
    );
  });
});
