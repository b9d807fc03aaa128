/** The driver that makes a region's resources real: machines of systemd-nspawn, nftables, haproxy and loop devices. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type {
  DesiredState,
  Driver,
  DropletFirewall,
  DropletSpec,
  LoadBalancerSpec,
  VolumeSpec,
  VpcSpec,
} from "../clouds/digitalocean/driver.js";
import type { LabConfig } from "../config.js";
import { plainProgress, type Progress } from "../progress.js";
import { toolPath } from "../toolchain/index.js";
import { applyBalancers, stopBalancers } from "./balancers.js";
import { type Base, ensureBase } from "./base.js";
import { groupsOf, hostGroup, removeGroup } from "./cgroups.js";
import { appendConsole, rotateConsole } from "./console.js";
import { createDisk, mountDisk, removeDisk, unshareMounts } from "./disk.js";
import { firewallText, tableName } from "./firewall.js";
import { writeHardware } from "./hardware.js";
import { applyIgnition, ignitionFailure, userDataKind } from "./ignition.js";
import { releaseLoops } from "./loops.js";
import { machineDirectory, machineName, machinesDirectory, volumesDirectory } from "./names.js";
import {
  createMachineNetwork,
  createVpcNetwork,
  removeMachineNetwork,
  removeVpcNetwork,
  setPublicRoute,
  unplugMachineNetwork,
} from "./network.js";
import { isRunning, killMachine, startMachine, stopMachine } from "./nspawn.js";
import { behindProxy, ensureProxy, proxyMode, stopProxy } from "./proxy.js";
import { dropletsWithNamespace } from "./region.js";
import { fillRoot } from "./root.js";
import { Serial, attempt, inNamespace, run } from "./run.js";
import { attachVolume, createVolume, deleteVolume, detachVolume, refreshVolumes } from "./volumes.js";

/** How long a machine may take to power off by itself. */
const shutdownTimeout = 20_000;

export interface DriverOptions {
  /** Told what goes on. @default lines on stderr */
  readonly progress?: Progress;
  /** Makes or finds the machines' image. @default ensureBase */
  readonly base?: typeof ensureBase;
}

export class NspawnDriver implements Driver {
  private readonly vpcs = new Map<string, VpcSpec>();
  private readonly droplets = new Map<number, DropletSpec>();
  private readonly volumes = new Map<string, VolumeSpec>();
  private firewalls: readonly DropletFirewall[] = [];
  private balancers: readonly LoadBalancerSpec[] = [];
  /** One task at a time for each machine, and one for each thing that the whole region shares. */
  private readonly machineQueues = new Map<number, Serial>();
  private readonly firewallQueue = new Serial();
  private readonly balancerQueue = new Serial();
  private readonly volumeQueue = new Serial();
  private base: Promise<Base> | undefined;

  private readonly progress: Progress;
  private readonly findBase: typeof ensureBase;

  constructor(
    private readonly config: LabConfig,
    options: DriverOptions = {},
  ) {
    this.progress = options.progress ?? plainProgress();
    this.findBase = options.base ?? ensureBase;
  }

  async createVpc(vpc: VpcSpec): Promise<void> {
    await createVpcNetwork(this.config, vpc);
    this.vpcs.set(vpc.id, vpc);
    await this.writeFirewall();
  }

  async deleteVpc(id: string): Promise<void> {
    this.vpcs.delete(id);
    await this.writeFirewall();
    await removeVpcNetwork(this.config, id);
  }

  async createDroplet(droplet: DropletSpec): Promise<void> {
    await this.start(droplet);
  }

  async powerOn(droplet: DropletSpec): Promise<void> {
    await this.start(droplet);
  }

  async deleteDroplet(id: number): Promise<void> {
    await this.queue(id).run(() => this.remove(id));
    this.machineQueues.delete(id);
    await this.writeFirewall();
  }

  async powerOff(id: number): Promise<void> {
    await this.queue(id).run(() => this.cut(id));
  }

  async shutdown(id: number): Promise<void> {
    await this.queue(id).run(async () => {
      await stopMachine(this.config, id, shutdownTimeout);
      await this.cut(id);
    });
  }

  async reboot(droplet: DropletSpec): Promise<void> {
    await this.shutdown(droplet.id);
    await this.start(droplet);
  }

  async readdress(droplet: DropletSpec): Promise<void> {
    await this.queue(droplet.id).run(async () => {
      this.droplets.set(droplet.id, droplet);
      await setPublicRoute(this.config, droplet);
    });
    await this.writeFirewall();
  }

  async createVolume(volume: VolumeSpec): Promise<void> {
    await this.volumeQueue.run(() => createVolume(this.config, volume));
    this.volumes.set(volume.id, volume);
  }

  async deleteVolume(id: string): Promise<void> {
    this.volumes.delete(id);
    await this.volumeQueue.run(() => deleteVolume(this.config, id));
  }

  async attachVolume(volume: VolumeSpec, dropletId: number): Promise<void> {
    this.volumes.set(volume.id, { ...volume, dropletId });
    await this.volumeQueue.run(() => attachVolume(this.config, volume, dropletId));
  }

  async detachVolume(volume: VolumeSpec, dropletId: number): Promise<void> {
    this.volumes.set(volume.id, { ...volume, dropletId: null });
    await this.volumeQueue.run(() => detachVolume(this.config, volume, dropletId));
  }

  async applyFirewalls(firewalls: readonly DropletFirewall[]): Promise<void> {
    this.firewalls = firewalls;
    await this.writeFirewall();
  }

  async applyLoadBalancers(loadBalancers: readonly LoadBalancerSpec[]): Promise<void> {
    this.balancers = loadBalancers;
    // Closed before they listen.
    await this.writeFirewall();
    await this.balancerQueue.run(() => applyBalancers(this.config, this.balancers, [...this.vpcs.values()]));
  }

  async reconcile(desired: DesiredState): Promise<void> {
    for (const id of await this.known()) {
      if (!desired.droplets.some((droplet) => droplet.id === id)) await this.queue(id).run(() => this.remove(id));
    }
    for (const vpc of desired.vpcs) {
      await createVpcNetwork(this.config, vpc);
      this.vpcs.set(vpc.id, vpc);
    }
    this.firewalls = desired.firewalls;
    for (const droplet of desired.droplets) this.droplets.set(droplet.id, droplet);
    for (const volume of desired.volumes) await this.createVolume(volume);
    // One that died while the lab was away is what machines download through.
    await ensureProxy(this.config).catch((error: unknown) => this.progress.report(`proxy: ${String(error)}`));
    // Rules before machines: none is open for a moment only because the lab was restarted.
    await this.writeFirewall();
    const results = await Promise.allSettled(
      desired.droplets.map((droplet) =>
        droplet.running ? this.start(droplet) : this.queue(droplet.id).run(() => this.cut(droplet.id)),
      ),
    );
    await this.applyLoadBalancers(desired.loadBalancers);
    const failed = results.filter((result) => result.status === "rejected");
    if (failed.length > 0)
      throw new AggregateError(
        failed.map((result) => result.reason as unknown),
        failed.map((result) => String(result.reason)).join("\n"),
      );
  }

  async removeAll(): Promise<void> {
    await this.applyLoadBalancers([]);
    await stopBalancers(this.config);
    await stopProxy(this.config);
    await Promise.all((await this.known()).map((id) => this.queue(id).run(() => this.remove(id))));
    for (const vpc of [...this.vpcs.keys()]) await removeVpcNetwork(this.config, vpc);
    this.firewalls = [];
    for (const map of [this.vpcs, this.volumes, this.machineQueues]) map.clear();
    await attempt(inNamespace(this.config.namespace, ["nft", "delete", "table", "inet", tableName]));
    await unshareMounts(machinesDirectory(this.config));
    for (const folder of [volumesDirectory(this.config), machinesDirectory(this.config)]) await releaseLoops(folder);
    rmSync(volumesDirectory(this.config), { recursive: true, force: true });
    rmSync(machinesDirectory(this.config), { recursive: true, force: true });
  }

  /** Whether a machine has power: false once it has powered itself off. One that Ignition could not make ready waits, switched on. */
  running(id: number): boolean {
    return isRunning(this.config, id) || !existsSync(join(machineDirectory(this.config, id), "provisioned"));
  }

  /** Ids of all machines that left a trace, whatever the API knows of them. */
  private async known(): Promise<readonly number[]> {
    const folders = existsSync(machinesDirectory(this.config)) ? readdirSync(machinesDirectory(this.config)) : [];
    const groups = groupsOf(this.config).filter((group) => group !== hostGroup);
    const ids = [...folders, ...groups].filter((name) => /^[1-9][0-9]*$/.test(name)).map(Number);
    return [...new Set([...ids, ...(await dropletsWithNamespace(this.config))])];
  }

  private queue(id: number): Serial {
    let queue = this.machineQueues.get(id);
    if (!queue) this.machineQueues.set(id, (queue = new Serial()));
    return queue;
  }

  private start(droplet: DropletSpec): Promise<void> {
    return this.queue(droplet.id).run(() => this.startNow(droplet));
  }

  private async startNow(droplet: DropletSpec): Promise<void> {
    this.droplets.set(droplet.id, droplet);
    if (isRunning(this.config, droplet.id)) return;
    const base = await this.machineBase();
    await createMachineNetwork(this.config, droplet);
    await this.writeFirewall();
    rotateConsole(this.config, droplet.name);
    if (!(await this.prepare(droplet, base))) return;
    await this.volumeQueue.run(() => refreshVolumes(this.config, [...this.volumes.values()], droplet.id));
    await startMachine(this.config, { id: droplet.id, name: droplet.name, hostname: droplet.hostname, usr: base.usr });
  }

  /**
   * Makes the machine's root and applies its user-data, once. Returns false when Ignition failed: the machine then counts
   * as started but does not boot, and the next start tries again from a fresh root, as a droplet would.
   */
  private async prepare(droplet: DropletSpec, base: Base): Promise<boolean> {
    const directory = machineDirectory(this.config, droplet.id);
    const root = join(directory, "root");
    const done = join(directory, "provisioned");
    // Follows the size of today: a droplet is resized while it is off.
    mkdirSync(directory, { recursive: true });
    writeHardware(join(directory, "hardware"), droplet);
    if (existsSync(done)) {
      await mountDisk(directory, droplet.disk);
      return true;
    }
    await createDisk(directory, droplet.disk);
    await fillRoot(base.root, root, droplet);
    const kind = userDataKind(droplet.userData);
    if (kind === "ignition") {
      const { ok, log } = await applyIgnition({
        tool: toolPath(this.config, "ignition-apply"),
        namespace: machineName(this.config, droplet.id),
        root,
        usr: base.usr,
        directory,
        userData: droplet.userData,
      });
      appendConsole(this.config, droplet.name, ok ? log : ignitionFailure(log));
      if (!ok) return false;
    } else if (kind !== "none") {
      appendConsole(
        this.config,
        droplet.name,
        `user-data of kind "${kind}" is not supported by the lab, only Ignition is; the machine boots without it`,
      );
    }
    writeFileSync(done, "");
    return true;
  }

  /** Ends a machine without a last word on its wires. */
  private async cut(id: number): Promise<void> {
    await unplugMachineNetwork(this.config, id);
    await killMachine(this.config, id);
  }

  private async remove(id: number): Promise<void> {
    await this.cut(id);
    await removeGroup(this.config, String(id));
    await removeMachineNetwork(this.config, id);
    await removeDisk(machineDirectory(this.config, id));
    rmSync(machineDirectory(this.config, id), { recursive: true, force: true });
    this.droplets.delete(id);
  }

  private machineBase(): Promise<Base> {
    this.base ??= this.findBase(this.config, this.progress).catch((error: unknown) => {
      this.base = undefined;
      throw error;
    });
    return this.base;
  }

  private async writeFirewall(): Promise<void> {
    await this.firewallQueue.run(() =>
      run(inNamespace(this.config.namespace, ["nft", "-f", "-"]), {
        input: firewallText({
          publicCidr: this.config.publicCidr,
          vpcs: [...this.vpcs.values()],
          droplets: [...this.droplets.values()],
          firewalls: this.firewalls,
          balancers: this.balancers.flatMap(({ ip, forwarding, allow }) =>
            allow.length === 0
              ? []
              : [{ address: ip, ports: [...new Set(forwarding.map(({ entryPort }) => entryPort))], allow }],
          ),
          ...(proxyMode(this.config) === "only" ? { behindProxy: behindProxy(this.config) } : {}),
        }),
      }),
    );
  }
}
