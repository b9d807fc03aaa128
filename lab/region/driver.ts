/** The driver that makes a region's resources real: machines of systemd-nspawn, nftables, haproxy and loop devices. */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { lateness } from "../lateness.js";
import { plainProgress, type Progress } from "../progress.js";
import { toolPath } from "../toolchain/index.js";
import { applyBalancers } from "./balancers.js";
import { type Base, ensureBase } from "./base.js";
import { groupsOf, hostGroup, removeGroup } from "./cgroups.js";
import { appendConsole, rotateConsole } from "./console.js";
import { createDisk, mountDisk, removeDisk } from "./disk.js";
import { firewallText } from "./firewall.js";
import { writeHardware } from "./hardware.js";
import { applyIgnition, ignitionFailure, userDataKind } from "./ignition.js";
import { machineDirectory, machineName, machinesDirectory, volumesDirectory } from "./names.js";
import {
  createMachineNetwork,
  removeMachineNetwork,
  setPublicRoute,
  setVpcNetworks,
  unplugMachineNetwork,
} from "./network.js";
import { delayServices } from "./lateServices.js";
import { applyNames } from "./nameServer.js";
import { isRunning, killMachine, startMachine, stopMachine } from "./nspawn.js";
import { behindProxy, ensureProxy, proxyMode } from "./proxy.js";
import { machinesWithNamespace } from "./region.js";
import { fillRoot } from "./root.js";
import { run } from "../process/run.js";
import { Serial, inNamespace } from "./run.js";
import type {
  Driver,
  LoadBalancerSpec,
  MachineSpec,
  NameSpec,
  Rules,
  VolumeSight,
  VolumeSpec,
  VpcSpec,
} from "./spec.js";
import { applyVolume, deleteVolume, refreshVolumes, seenVolume } from "./volumes.js";

/** Time limit for a clean power-off of a machine, milliseconds. */
const shutdownTimeout = 20_000;

export class NspawnDriver implements Driver {
  /** Loop devices are the whole host's: one change at a time. */
  private readonly volumeQueue = new Serial();
  private base: Promise<Base> | undefined;

  constructor(
    private readonly config: LabConfig,
    private readonly progress: Progress = plainProgress(),
  ) {}

  async present(): Promise<{ readonly machines: readonly number[]; readonly volumes: readonly string[] }> {
    // Machines download through the proxy; one that ended while the daemon was away is started first.
    await ensureProxy(this.config).catch((error: unknown) => this.progress.report(`proxy: ${String(error)}`));
    const groups = groupsOf(this.config).filter((group) => group !== hostGroup);
    const ids = [...entriesOf(machinesDirectory(this.config)), ...groups]
      .filter((name) => /^[1-9][0-9]*$/.test(name))
      .map(Number);
    return {
      machines: [...new Set([...ids, ...(await machinesWithNamespace(this.config))])],
      volumes: entriesOf(volumesDirectory(this.config)).flatMap((name) => /^(.+)\.img$/.exec(name)?.[1] ?? []),
    };
  }

  networks(vpcs: readonly VpcSpec[]): Promise<void> {
    return setVpcNetworks(this.config, vpcs);
  }

  async rules({ vpcs, machines, firewalls, loadBalancers }: Rules): Promise<void> {
    const text = firewallText({
      publicCidr: this.config.publicCidr,
      vpcs,
      machines,
      firewalls,
      balancers: loadBalancers
        .filter(({ allow }) => allow.length > 0)
        .map(({ ip, forwarding, allow }) => ({
          address: ip,
          ports: [...new Set(forwarding.map(({ entryPort }) => entryPort))],
          allow,
        })),
      behindProxy: proxyMode(this.config) === "only" ? behindProxy(this.config) : undefined,
    });
    await run(inNamespace(this.config.namespace, ["nft", "-f", "-"]), { input: text });
  }

  balancers(balancers: readonly LoadBalancerSpec[], vpcs: readonly VpcSpec[]): Promise<void> {
    return applyBalancers(this.config, balancers, vpcs);
  }

  resolve(names: readonly NameSpec[]): Promise<void> {
    return applyNames(this.config, names);
  }

  async machine(spec: MachineSpec, volumes: readonly VolumeSpec[]): Promise<void> {
    if (spec.power !== "on") return this.stop(spec.id, spec.power === "off");
    if (isRunning(this.config, spec.id)) return spec.single && setPublicRoute(this.config, spec);
    await this.start(spec, volumes);
  }

  async removeMachine(id: number): Promise<void> {
    await this.cut(id);
    await removeGroup(this.config, String(id));
    await removeMachineNetwork(this.config, id);
    await removeDisk(machineDirectory(this.config, id));
    rmSync(machineDirectory(this.config, id), { recursive: true, force: true });
  }

  volume(spec: VolumeSpec): Promise<void> {
    return this.volumeQueue.run(() => applyVolume(this.config, spec));
  }

  seen(spec: Pick<VolumeSpec, "id" | "machineId">): Promise<VolumeSight> {
    return seenVolume(this.config, spec);
  }

  removeVolume(id: string): Promise<void> {
    return this.volumeQueue.run(() => deleteVolume(this.config, id));
  }

  /** A machine that Ignition could not make ready waits, switched on. */
  running(id: number): boolean {
    return isRunning(this.config, id) || !existsSync(join(machineDirectory(this.config, id), "provisioned"));
  }

  private async start(spec: MachineSpec, volumes: readonly VolumeSpec[]): Promise<void> {
    const base = await this.machineBase();
    await createMachineNetwork(this.config, spec);
    rotateConsole(this.config, spec.name);
    if (!(await this.prepare(spec, base))) return;
    const late = lateness(this.config);
    await delayServices(this.config, spec, late);
    const seconds = late.volumes ?? 0;
    await this.volumeQueue.run(() => refreshVolumes(this.config, seconds > 0 ? [] : volumes, spec.id));
    if (seconds > 0 && volumes.length > 0) this.showLater(volumes, seconds);
    await startMachine(this.config, { id: spec.id, name: spec.name, hostname: spec.hostname, usr: base.usr });
  }

  /** Nothing waits for it, as for a device that a cloud brings late. */
  private showLater(volumes: readonly VolumeSpec[], seconds: number): void {
    const show = async (): Promise<void> => {
      for (const volume of volumes) await this.volume(volume);
    };
    setTimeout(() => {
      show().catch((error: unknown) => this.progress.report(`late volumes: ${String(error)}`));
    }, seconds * 1000).unref();
  }

  /**
   * Makes the machine's root and applies its user-data, once. Returns false when Ignition failed: the machine then counts
   * as started but does not boot, and the next start tries again with an empty disk, as a cloud's machine would.
   */
  private async prepare(spec: MachineSpec, base: Base): Promise<boolean> {
    const directory = machineDirectory(this.config, spec.id);
    const root = join(directory, "root");
    const done = join(directory, "provisioned");
    mkdirSync(directory, { recursive: true });
    writeHardware(join(directory, "hardware"), spec);
    if (existsSync(done)) {
      await mountDisk(directory);
      return true;
    }
    await createDisk(directory, spec.disk);
    await fillRoot(base.root, root, spec);
    const kind = userDataKind(spec.userData);
    if (kind === "ignition") {
      const { ok, log } = await applyIgnition({
        tool: toolPath(this.config, "ignition-apply"),
        namespace: machineName(this.config, spec.id),
        root,
        usr: base.usr,
        directory,
        userData: spec.userData,
      });
      appendConsole(this.config, spec.name, ok ? log : ignitionFailure(log));
      if (!ok) return false;
    } else if (kind !== "none") {
      const text = "user-data other than Ignition's is not supported by the lab; the machine boots without it";
      appendConsole(this.config, spec.name, text);
    }
    writeFileSync(done, "");
    return true;
  }

  private async stop(id: number, abrupt: boolean): Promise<void> {
    if (!abrupt) await stopMachine(this.config, id, shutdownTimeout);
    await this.cut(id);
  }

  /** Ends a machine without a last packet on its links. */
  private async cut(id: number): Promise<void> {
    await unplugMachineNetwork(this.config, id);
    await killMachine(this.config, id);
  }

  private machineBase(): Promise<Base> {
    this.base ??= ensureBase(this.config, this.progress).catch((error: unknown) => {
      this.base = undefined;
      throw error;
    });
    return this.base;
  }
}

const entriesOf = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);
