/** The order keeps its invariants in any sequence of failures, kills and new runs. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { askable, next, type Stages, type MachineState } from "../../components/rollout/order.js";

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
/** What happens in each step: which of the changing machines ends, and how. */
const events = fc.array(fc.record({ which: fc.nat(), ends: fc.constantFrom("success", "failure", "killed") }), {
  maxLength: 60,
});

const machinesOf = (all: Stages): string[] => all.flat().flatMap(({ machines }) => [...machines]);

describe("order of machines", () => {
  it("creates all machines of a new cluster at once", () => {
    const all: Stages = [[pool("etcd", 3)], [pool("controller", 3)], [pool("worker", 1000)]];
    assert.equal(next(all, () => "new").length, 1006);
  });

  it("creates a further worker at once, and holds the others back only until it is ready", () => {
    const all: Stages = [[pool("etcd", 1)], [pool("worker", 3)]];
    const states = new Map<string, MachineState>([
      ["etcd-0", "pending"],
      ["worker-0", "pending"],
      ["worker-1", "pending"],
      ["worker-2", "new"],
    ]);
    assert.deepEqual(
      next(all, (name) => states.get(name)!),
      ["etcd-0", "worker-2"],
    );
    states.set("etcd-0", "ready").set("worker-2", "ready");
    assert.deepEqual(
      next(all, (name) => states.get(name)!),
      ["worker-0"],
    );
  });

  it("takes a machine that does not serve before the others of its pool, and holds nothing else back for it", () => {
    const all: Stages = [[pool("etcd", 3)], [pool("worker", 3, 2)]];
    const states = new Map<string, MachineState>();
    const stateOf = (name: string): MachineState => states.get(name) ?? "pending";
    const broken = new Set(["etcd-2", "worker-2"]);
    assert.deepEqual(askable(all, stateOf), ["etcd-0", "etcd-1", "etcd-2"]);
    assert.deepEqual(next(all, stateOf, broken), ["etcd-2"]);
    for (const name of ["etcd-0", "etcd-1", "etcd-2"]) states.set(name, "ready");
    assert.deepEqual(askable(all, stateOf), ["worker-0", "worker-1", "worker-2"]);
    assert.deepEqual(next(all, stateOf, broken), ["worker-2", "worker-0"]);
    states.set("worker-2", "ready");
    assert.deepEqual(askable(all, stateOf), ["worker-0", "worker-1"]);
  });

  it("begins a stage when every machine of every pool before it is ready, and takes no machine twice", () => {
    const all: Stages = [[pool("worker", 3, 2), pool("public", 2)], [pool("last", 1)]];
    const states = new Map<string, MachineState>();
    const stateOf = (name: string): MachineState => states.get(name) ?? "pending";
    assert.deepEqual(next(all, stateOf, new Set(["worker-0"])), ["worker-0", "worker-1", "public-0"]);
    for (const name of ["worker-0", "worker-1", "worker-2", "public-0"]) states.set(name, "ready");
    assert.deepEqual(next(all, stateOf), ["public-1"]);
    assert.deepEqual(askable(all, stateOf), ["public-1"]);
    states.set("public-1", "ready");
    assert.deepEqual(next(all, stateOf), ["last-0"]);
    assert.deepEqual(askable(all, stateOf), ["last-0"]);
  });

  it("takes all that do not serve together, since members that are all down need each other", () => {
    const all: Stages = [[pool("etcd", 3)], [pool("controller", 1)]];
    const stateOf = (): MachineState => "pending";
    const down = new Set(["etcd-0", "etcd-1", "etcd-2"]);
    assert.deepEqual(next(all, stateOf, down), [...down]);
    // A run before has left the first without a record that it serves.
    const left = (name: string): MachineState => (name === "etcd-0" ? "new" : "pending");
    assert.deepEqual(askable(all, left), ["etcd-1", "etcd-2"]);
    assert.deepEqual(next(all, left, down), [...down]);
    assert.deepEqual(
      next(all, (name) => (name === "etcd-1" ? "pending" : "changing"), new Set()),
      [],
    );
  });

  it("changes serving members one at a time, and as many workers as may be missing, in any sequence of failures and kills", () => {
    fc.assert(
      fc.property(stages, events, (all, steps) => {
        // `serves` is the world, `states` is what the run knows of it.
        const serves = new Set(machinesOf(all));
        let states = new Map<string, MachineState>(machinesOf(all).map((name) => [name, "pending"]));
        const proceed = (): void => {
          for (const name of next(all, (machine) => states.get(machine)!)) {
            if (states.get(name) === "pending") states.set(name, "changing");
            serves.delete(name);
          }
        };
        const begin = (): void => {
          states = new Map(
            machinesOf(all).map((name): [string, MachineState] => [name, serves.has(name) ? "pending" : "new"]),
          );
        };
        for (const { which, ends } of steps) {
          proceed();
          for (const [index, stage] of all.entries()) {
            for (const { name, machines, atOnce } of stage) {
              const down = machines.filter((machine) => !serves.has(machine));
              assert.ok(down.length <= atOnce, `${name}: ${down.join(", ")} down together`);
              // A machine that a killed run left down is created at once, in any stage: nothing else can bring it back.
              const taken = down.filter((machine) => states.get(machine) === "changing");
              const earlier = all
                .slice(0, index)
                .flat()
                .flatMap((each) => each.machines);
              if (taken.length > 0)
                assert.ok(
                  earlier.every((machine) => serves.has(machine)),
                  `${taken.join(", ")} taken away although an earlier machine is down`,
                );
            }
          }
          const underway = machinesOf(all).filter((name) => !serves.has(name) && states.get(name) !== "ready");
          const one = underway[which % Math.max(1, underway.length)];
          if (ends === "killed" || one === undefined) begin();
          else if (ends === "success") {
            serves.add(one);
            states.set(one, "ready");
          }
          // After a failure it stays as it is, and so does everything that waits for it.
        }
      }),
      { numRuns: 500 },
    );
  });

  it("ends when nothing fails, with each machine changed once", () => {
    fc.assert(
      fc.property(stages, (all) => {
        const states = new Map<string, MachineState>(machinesOf(all).map((name) => [name, "pending"]));
        const changed: string[] = [];
        for (
          let names = next(all, (name) => states.get(name)!);
          names.length > 0;
          names = next(all, (name) => states.get(name)!)
        ) {
          for (const name of names) {
            changed.push(name);
            states.set(name, "ready");
          }
        }
        assert.deepEqual([...changed].sort(), machinesOf(all).sort());
      }),
    );
  });
});
