/** The region's loop, on a driver without machines. */
import assert from "node:assert/strict";
import { Synchroniser } from "../../lab/region/synchroniser.js";
import type { DesiredState, MachineSpec, VolumeSpec } from "../../lab/region/spec.js";
import { FakeDriver } from "../support/fakeDriver.js";

const machine = (id: number, changes: Partial<MachineSpec> = {}): MachineSpec => ({
  id,
  name: `machine-${id}`,
  vcpus: 1,
  memory: 1024,
  disk: 10,
  publicIpv4: `203.0.113.${id}`,
  privateIpv4: `10.0.0.${id}`,
  vpcId: "v",
  vpcCidr: "10.0.0.0/20",
  macs: { public: "", private: "" },
  userData: "",
  sshKeys: [],
  power: "on",
  ...changes,
});
const volume = (machineId: number | null): VolumeSpec => ({
  id: "data",
  links: [],
  size: 1,
  machineId,
});

describe("the region's loop", () => {
  let driver: FakeDriver;
  let wanted: DesiredState;
  let errors: string[];
  let region: Synchroniser;
  const want = async (changes: Partial<DesiredState>): Promise<void> => {
    wanted = { ...wanted, ...changes };
    await (await region.changed()).all();
  };
  /** Holds calls for one machine up. @returns what lets them continue. */
  const hold = (id: number): (() => void) => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    driver.wait = (name, first) =>
      name === "removeMachine" || name === "machine"
        ? (typeof first === "number" ? first : (first as MachineSpec).id) === id
          ? held
          : Promise.resolve()
        : Promise.resolve();
    return release;
  };

  beforeEach(() => {
    driver = new FakeDriver();
    wanted = { vpcs: [], machines: [], volumes: [], firewalls: [], loadBalancers: [] };
    errors = [];
    const logger = { info: () => undefined, error: (line: string) => void errors.push(line) };
    region = new Synchroniser({ source: { desired: () => wanted }, driver, logger });
  });

  it("calls the driver for what differs only", async () => {
    await want({ machines: [machine(1), machine(2)] });
    const calls = driver.calls.length;
    await want({});
    assert.equal(driver.calls.length, calls);
    await want({ machines: [machine(1), machine(2, { power: "off" })] });
    assert.deepEqual(
      driver.argumentsOf<MachineSpec>("machine").map(({ id, power }) => `${id} ${power}`),
      ["1 on", "2 on", "2 off"],
    );
  });

  it("does not let a slow machine delay another", async () => {
    const release = hold(1);
    const slow = want({ machines: [machine(1)] });
    await new Promise((resolve) => setTimeout(resolve, 10));
    wanted = { ...wanted, machines: [machine(1), machine(2)] };
    await (await region.changed()).of("machine 2");
    release();
    await slow;
  });

  it("shows a volume to a machine that is being started once it runs", async () => {
    const release = hold(1);
    const started = want({ machines: [machine(1)], volumes: [volume(null)] });
    await new Promise((resolve) => setTimeout(resolve, 10));
    const attached = want({ volumes: [volume(1)] });
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(driver.names(), ["volume", "machine"]);
    release();
    await Promise.all([started, attached]);
    assert.deepEqual(driver.names(), ["volume", "machine", "volume"]);
  });

  it("keeps the rules of a machine until it is gone", async () => {
    const firewalls = [{ machineId: 1, inbound: [], outbound: [] }];
    await want({ machines: [machine(1)], firewalls });
    const release = hold(1);
    const gone = want({ machines: [], firewalls: [] });
    await new Promise((resolve) => setTimeout(resolve, 10));
    assert.deepEqual(driver.firewalls, firewalls);
    release();
    await gone;
    await want({});
    assert.deepEqual(driver.firewalls, []);
  });

  it("tries again what failed, and logs it once", async () => {
    driver.failure = (name) => (name === "machine" ? new Error("no room") : undefined);
    await want({ machines: [machine(1)] });
    await want({});
    assert.deepEqual(errors, ["machine 1: no room"]);
    driver.failure = () => undefined;
    await want({});
    assert.equal(driver.argumentsOf("machine").length, 3);
    await want({});
    assert.equal(driver.argumentsOf("machine").length, 3);
  });

  it("applies again what is wanted of a machine that has powered itself off", async () => {
    await want({ machines: [machine(1)] });
    driver.off.add(1);
    assert.deepEqual(region.off(), [1]);
    await want({});
    assert.equal(driver.argumentsOf("machine").length, 2);
  });
});
