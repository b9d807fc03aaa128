/**
 * Renewal of all leaf certificates of a highly available cluster: no machine is replaced, and each member of the control plane gets its
 * new files only after the one before it serves with its own. etcd and the API servers read them without a restart.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { CheckContext } from "../../../lab/cluster/context.js";
import { deploy } from "../../../lab/commands/up.js";
import { readOutputs } from "../../../lab/engine/outputs.js";
import { runEngine, type EngineRun } from "../../../lab/engine/run.js";
import { closeRegion, config, openRegion, progress } from "../region.js";

const stack = "ha";
const settings = { "corekube:high_availability": true, "corekube:node_count": 1 };

const machinesOf = (role: string): string[] => [0, 1, 2].map((index) => `kubernetes-${role}-${index}`);
const [etcd, controllers] = [machinesOf("etcd"), machinesOf("controller")];
const all = [...etcd, ...controllers];

/** When a machine's service was stopped and started last, in microseconds of the host's clock, which all machines share. */
interface Restart {
  readonly stopped: number;
  readonly started: number;
}

/** A run with the beginnings and ends of its deliveries, in the engine's order. */
interface Renewal extends EngineRun {
  readonly deliveries: readonly string[];
}

const oneByOne = (machines: readonly string[]): string[] =>
  machines.flatMap((machine) => [`updating ${machine}`, `updated ${machine}`]);

describe("renewal of all certificates of a highly available cluster", function () {
  this.timeout(1_800_000);
  let context: CheckContext;

  before(() => openRegion());
  before(async () => {
    await deploy(config, stack, progress, settings);
    context = new CheckContext(config, stack, await readOutputs(config, stack), progress);
  });
  after(async () => {
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  /** As in the last days of every leaf certificate: all of them are signed again in one run. */
  async function renew(): Promise<Renewal> {
    const deliveries: string[] = [];
    const args = ["up", "--yes", "--skip-preview", "--replace", "**LocallySignedCert::**"];
    const run = await runEngine(config, stack, args, progress, (event) => {
      const note = (
        what: string,
        metadata?: { readonly op: string; readonly urn: string; readonly type: string },
      ): void => {
        if (metadata?.type === "corekube:machine:Delivery" && metadata.op === "update")
          deliveries.push(`${what} ${metadata.urn.split("::").at(-1)}`);
      };
      note("updating", event.resourcePreEvent?.metadata);
      note("updated", event.resOutputsEvent?.metadata);
      note("updating failed", event.resOpFailedEvent?.metadata);
    });
    return { ...run, deliveries };
  }

  function on(name: string, command: string): Promise<string> {
    const machine = context.machines().find((each) => each.name === name);
    assert.ok(machine, `${name} is not in the table of machines`);
    return context.inMachine(machine, command);
  }

  async function restarts(machines: readonly string[]): Promise<Restart[]> {
    const times: Restart[] = [];
    for (const name of machines) {
      const unit = name.includes("-etcd-") ? "etcd.service" : "kubelet.service";
      const property = (key: string): Promise<string> => on(name, `systemctl show --property ${key} --value ${unit}`);
      times.push({
        stopped: Number(await property("ActiveExitTimestampMonotonic")),
        started: Number(await property("ActiveEnterTimestampMonotonic")),
      });
    }
    return times;
  }

  /** When its etcd or API server was started, which a renewal does not change. */
  const programs = (): Promise<string[]> =>
    Promise.all(
      all.map((name) => on(name, `ps -C ${name.includes("-etcd-") ? "etcd" : "kube-apiserver"} -o pid=,lstart=`)),
    );

  /** Whether a server has the certificate that was delivered, and not one before it. */
  async function serves(name: string): Promise<void> {
    const [file, port] = name.includes("-etcd-") ? ["server.crt", 2379] : ["apiserver.crt", 6443];
    const shown = `openssl s_client -connect 127.0.0.1:${port} </dev/null 2>/dev/null | openssl x509 -noout -serial`;
    const delivered = (await on(name, `openssl x509 -noout -serial -in /etc/corekube/secrets/${file}`)).trim();
    assert.match(delivered, /^serial=/);
    // An API server that is not told of the change looks once a minute.
    for (const end = Date.now() + 70_000; (await on(name, shown)).trim() !== delivered; await sleep(2_000))
      assert.ok(Date.now() < end, `${name} serves with another certificate than the delivered one`);
  }

  /** One hash for each machine over all that was delivered to it. */
  const files = (): Promise<string[]> =>
    Promise.all(all.map((name) => on(name, "cd /etc/corekube/secrets && sha256sum -- * | sha256sum")));

  it("reaches one machine at a time: etcd, then controllers; only kubelets are restarted", async () => {
    const [before, running, earlier] = [await files(), await programs(), await restarts(etcd)];
    const run = await renew();
    assert.equal(run.code, 0, run.failure);
    assert.deepEqual(run.deliveries, oneByOne(all));
    (await files()).forEach((hash, index) => assert.notEqual(hash, before[index], all[index]));
    assert.deepEqual(await programs(), running);
    assert.deepEqual(await restarts(etcd), earlier);
    for (const name of all) await serves(name);
    const times = await restarts(controllers);
    times.forEach(({ stopped, started }, index) => {
      assert.ok(stopped > 0 && started > stopped, `${controllers[index]}: its kubelet was not restarted`);
      const last = times[index - 1];
      assert.ok(!last || stopped > last.started, `${controllers[index]} before ${controllers[index - 1]} was back`);
    });
  });

  it("leaves the rest as it is when a machine does not come back, and starts with that one in the next run", async () => {
    const [before, times] = [await files(), await restarts(all)];
    const broken = "kubernetes-etcd-1";
    const dropin = "/run/systemd/system/corekube-activate.service.d";
    await on(broken, `mkdir -p ${dropin} && printf '[Service]\\nExecStartPre=/bin/false\\n' >${dropin}/broken.conf`);
    await on(broken, "systemctl daemon-reload");
    const stopped = await renew();
    assert.notEqual(stopped.code, 0);
    assert.match(stopped.failure, /kubernetes-etcd-1 .*corekube-activate\.service failed/);
    assert.deepEqual(stopped.deliveries, [
      ...oneByOne(["kubernetes-etcd-0"]),
      `updating ${broken}`,
      `updating failed ${broken}`,
    ]);
    const [after, now] = [await files(), await restarts(all)];
    for (const name of all.filter((each) => each !== "kubernetes-etcd-0" && each !== broken)) {
      const index = all.indexOf(name);
      assert.equal(after[index], before[index], `${name} got new files`);
      assert.deepEqual(now[index], times[index], `${name} was restarted`);
    }

    await on(broken, `rm -r ${dropin} && systemctl daemon-reload`);
    const resumed = await renew();
    assert.equal(resumed.code, 0, resumed.failure);
    assert.deepEqual(resumed.deliveries, oneByOne([broken, ...all.filter((each) => each !== broken)]));
  });
});
