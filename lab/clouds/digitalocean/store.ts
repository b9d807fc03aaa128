/** The API's memory: records in one JSON file, replaced atomically, so that a crash leaves the old or the new one. */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { AddressMode } from "../../addressMode.js";
import { freeAddress, indexIn } from "./addresses.js";
import { regionSlugs } from "./catalog/regions.js";
import type { DropletRecord, State, VpcRecord } from "./state.js";

/** The original's time format: whole seconds, UTC. */
export const timestamp = (time = new Date()): string => `${time.toISOString().slice(0, 19)}Z`;

export class Store {
  private dirty = false;
  private closed = false;
  private writes: Promise<void> = Promise.resolve();

  private constructor(
    private readonly file: string,
    readonly state: State,
  ) {}

  /**
   * Reads the file; a missing one means a new account.
   * @throws Error when the file cannot be read or is of another version.
   */
  static async load(file: string): Promise<Store> {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (text === null) return new Store(file, newState());
    const state = JSON.parse(text) as State;
    if (state.version !== 1) {
      throw new Error(
        `${file}: state of version ${String(state.version)}, this lab reads version 1; remove the region and create it again`,
      );
    }
    return new Store(file, state);
  }

  /** Next numeric id. */
  id(): number {
    this.state.nextId += 1;
    return this.state.nextId;
  }

  /** Must follow every change of `state`; `flush` then writes it. */
  changed(): void {
    this.dirty = true;
  }

  /** Resolves when all changes up to now are on disk. */
  flush(): Promise<void> {
    this.writes = this.writes.catch(() => undefined).then(() => this.write());
    return this.writes;
  }

  /** Writes what is left; nothing is written afterwards, so that a successor can take the file over. */
  async close(): Promise<void> {
    await this.flush();
    this.closed = true;
  }

  private async write(): Promise<void> {
    if (!this.dirty || this.closed) return;
    this.dirty = false;
    const temporary = `${this.file}.${process.pid}.tmp`;
    try {
      await mkdir(dirname(this.file), { recursive: true });
      const handle = await open(temporary, "w", 0o600);
      try {
        await handle.writeFile(JSON.stringify(this.state));
        await handle.datasync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.file);
    } catch (error) {
      this.dirty = true;
      throw error;
    }
  }

  droplet(id: number): DropletRecord | undefined {
    return this.state.droplets.find((droplet) => droplet.id === id);
  }

  /** An address that is free; undefined when the range is full. Mode `later` follows on the one given out last. */
  allocate(cidr: string, skip: number, mode: AddressMode): string | undefined {
    const { state } = this;
    const taken = new Set([
      ...state.droplets.flatMap((droplet) => [droplet.publicIpv4, droplet.privateIpv4]),
      ...state.loadBalancers.flatMap((balancer) => [balancer.ip, balancer.privateIpv4]),
    ]);
    const from = mode === "later" ? (state.cursors[cidr] ?? skip) : skip;
    const address = freeAddress(cidr, from, taken) ?? freeAddress(cidr, skip, taken);
    if (address === undefined) return undefined;
    state.cursors[cidr] = indexIn(cidr, address) + 1;
    this.changed();
    return address;
  }

  /** Keeps user-data once, however many droplets carry it. @returns its key. */
  keepUserData(text: string): string {
    if (text === "") return "";
    const key = createHash("sha256").update(text).digest("hex");
    this.state.userData[key] = text;
    return key;
  }

  /** Forgets user-data that no droplet carries any more. */
  private dropUnusedUserData(): void {
    const used = new Set(this.state.droplets.map((droplet) => droplet.userData));
    for (const key of Object.keys(this.state.userData)) if (!used.has(key)) delete this.state.userData[key];
  }

  /** Removes a droplet and every mention of it; its volumes stay, unattached. */
  forgetDroplet(id: number): void {
    const { state } = this;
    state.droplets = state.droplets.filter((droplet) => droplet.id !== id);
    for (const volume of state.volumes) if (volume.dropletId === id) volume.dropletId = null;
    for (const holder of [...state.firewalls, ...state.loadBalancers]) {
      holder.droplet_ids = holder.droplet_ids.filter((other) => other !== id);
    }
    this.dropUnusedUserData();
    this.changed();
  }
}

/** An account that was used before: each region has its default network. */
function newState(): State {
  const created = timestamp();
  return {
    version: 1,
    account: { uuid: randomUUID(), team: randomUUID(), project: randomUUID() },
    nextId: 400_000_000,
    cursors: {},
    images: [],
    keys: [],
    vpcs: regionSlugs.map((region, index): VpcRecord => ({
      id: randomUUID(),
      name: `default-${region}`,
      description: "",
      region,
      ip_range: `10.${104 + index * 2}.0.0/20`,
      created_at: created,
      default: true,
      implicit: true,
    })),
    tags: [],
    droplets: [],
    userData: {},
    actions: [],
    volumes: [],
    firewalls: [],
    loadBalancers: [],
  };
}
