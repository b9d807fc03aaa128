/** Machines that boot while what they wait for comes two minutes late: nobody starts anything again, and all come to serve. */
import assert from "node:assert/strict";
import { deploy } from "../../../lab/commands/up.js";
import { CheckContext } from "../../../lab/cluster/context.js";
import { writeKubeconfig, type Machine } from "../../../lab/engine/outputs.js";
import { runEngine } from "../../../lab/engine/run.js";
import { stackName } from "../../../lab/engine/settings.js";
import { setLateness, type Lateness } from "../../../lab/lateness.js";
import { powerOff, powerOn } from "../faults/faults.js";
import { untilWhole } from "../faults/recovery.js";
import { closeRegion, config, openRegion, progress } from "../region.js";

const stack = stackName(config);

/** Seconds. */
const late = 120;
/** Longer than a step's own wait, so that it must have been repeated; and what a machine takes without any lateness. */
const wholeLimit = late + 180;

describe("machines that boot", function () {
  this.timeout(900_000);
  let context: CheckContext;

  before(() => openRegion());
  afterEach(() => setLateness(config, {}));

  /** Seconds from the start of a machine's system until the unit had succeeded. */
  const secondsUntil = async (machine: Machine, unit: string): Promise<number> => {
    const text = await context.inMachine(
      machine,
      `systemctl show --value --property UserspaceTimestampMonotonic; systemctl show --value --property ActiveEnterTimestampMonotonic ${unit}`,
    );
    const [boot = NaN, active = NaN] = text.trim().split("\n").map(Number);
    assert.ok(active > 0, `${machine.name}: ${unit} has not succeeded`);
    return (active - boot) / 1e6;
  };

  /** All machines at once lose their power and get it back. */
  const reboot = async (lateness: Lateness): Promise<void> => {
    setLateness(config, lateness);
    await Promise.all(context.machines().map((machine) => powerOff(context, machine)));
    await Promise.all(context.machines().map((machine) => powerOn(context, machine)));
    await untilWhole(context, wholeLimit);
  };

  it("for the first time, with a late mirror", async () => {
    setLateness(config, { mirror: late });
    await deploy(config, stack, progress);
    context = new CheckContext(config, stack, await writeKubeconfig(config, stack), progress);
    for (const machine of context.machines())
      assert.ok((await secondsUntil(machine, "corekube-install.service")) >= late - 1, machine.name);
    await untilWhole(context, wholeLimit);
  });

  it("with late metadata", async () => {
    await reboot({ metadata: late });
    for (const machine of context.machines())
      assert.ok((await secondsUntil(machine, "corekube-metadata.service")) >= late - 1, machine.name);
  });

  it("with late volumes", async () => {
    await reboot({ volumes: late });
    for (const machine of context.machines("etcd"))
      assert.ok((await secondsUntil(machine, "corekube-volume.service")) >= late - 1, machine.name);
  });

  it("with everything late", async () => {
    await reboot({ metadata: late, mirror: late, volumes: late });
  });

  it("leave a cluster in which a run changes nothing", async () => {
    assert.equal(await deploy(config, stack, progress), 0);
    const destroyed = await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.equal(destroyed.code, 0, destroyed.failure);
    assert.deepEqual(await closeRegion(), []);
  });
});
