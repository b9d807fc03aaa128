/** A region of the test's own: machines of the driver, a metadata service, and ways in. Needs root. */
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { DesiredState, MachineSpec, VpcSpec } from "../../../../lab/region/spec.js";
import { type LabConfig, labConfig } from "../../../../lab/config.js";
import { ensureBase } from "../../../../lab/region/base.js";
import { NspawnDriver } from "../../../../lab/region/driver.js";
import { initOf } from "../../../../lab/region/nspawn.js";
import { createRegion, regionExists, removeRegion } from "../../../../lab/region/region.js";
import { tryRun, run } from "../../../../lab/process/run.js";
import { inNamespace } from "../../../../lab/region/run.js";
import { Synchroniser } from "../../../../lab/region/synchroniser.js";
import type { Progress } from "../../../../lab/progress.js";

export const quiet: Progress = { report: () => undefined };

/** Name of the region that the tests make; COREKUBE_TEST_REGION names another one where `test` is in use. */
const regionName = process.env["COREKUBE_TEST_REGION"] ?? "test";

/** The two VPCs of the tests. */
export const vpcA: VpcSpec = { id: "11111111-0000-4000-8000-00000000000a", cidr: "10.110.0.0/20" };
export const vpcB: VpcSpec = { id: "22222222-0000-4000-8000-00000000000b", cidr: "10.120.0.0/20" };

export class TestRegion {
  readonly config: LabConfig;
  private wanted: DesiredState = { vpcs: [vpcA, vpcB], machines: [], volumes: [], firewalls: [], loadBalancers: [] };
  private synchroniser: Synchroniser;
  private readonly errors: string[] = [];
  private readonly machines = new Map<number, MachineSpec>();
  private readonly keyFile: string;
  private readonly publicKey: string;
  private stopped = false;
  private metadata: ReturnType<typeof spawn> | undefined;

  private constructor(
    private readonly folder: string,
    publicKey: string,
  ) {
    this.config = labConfig({ ...process.env, COREKUBE_LAB: regionName, COREKUBE_LAB_DIR: join(folder, "region") });
    this.synchroniser = this.newSynchroniser();
    this.keyFile = join(folder, "key");
    this.publicKey = publicKey;
  }

  static async start(): Promise<TestRegion> {
    const folder = mkdtempSync(join(tmpdir(), "corekube-machines-"));
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key")]);
    const region = new TestRegion(folder, readFileSync(join(folder, "key.pub"), "utf8").trim());
    // Other tests boot a region of this name too; theirs is theirs.
    if (await regionExists(region.config)) {
      rmSync(folder, { recursive: true, force: true });
      throw new Error(
        `the region "${regionName}" is in use by another run on this machine; wait for its end, take it down with: COREKUBE_LAB=${regionName} make down, or name another one in COREKUBE_TEST_REGION`,
      );
    }
    mkdirSync(region.config.directory, { recursive: true });
    await ensureBase(region.config, quiet);
    await createRegion(region.config, quiet);
    await region.want({});
    return region;
  }

  private newSynchroniser(): Synchroniser {
    return new Synchroniser({
      source: { desired: () => this.wanted },
      driver: new NspawnDriver(this.config, quiet),
      logger: { info: () => undefined, error: (line) => void this.errors.push(line) },
    });
  }

  /** Makes the region as it is wanted now. @throws Error with all that failed. */
  async want(changes: Partial<DesiredState>): Promise<void> {
    this.wanted = { ...this.wanted, ...changes };
    await (await this.synchroniser.changed()).all();
    const failed = this.errors.splice(0);
    if (failed.length > 0) throw new Error(failed.join("\n"));
  }

  /** Makes machines as their specs say, beside those that there are. */
  async make(...specs: readonly MachineSpec[]): Promise<void> {
    const others = this.wanted.machines.filter(({ id }) => !specs.some((spec) => spec.id === id));
    await this.want({ machines: [...others, ...specs] });
  }

  power = (spec: MachineSpec, power: MachineSpec["power"]): Promise<void> => this.make({ ...spec, power });

  remove = (id: number): Promise<void> =>
    this.want({ machines: this.wanted.machines.filter((machine) => machine.id !== id) });

  /** As a new daemon would: knows nothing but what is wanted and what the host has. */
  async restart(changes: Partial<DesiredState> = {}): Promise<void> {
    this.synchroniser = this.newSynchroniser();
    await this.want(changes);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.metadata?.kill();
    await removeRegion(this.config);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * Takes the region away by its names alone, as after a crash of the lab, and makes an empty one in its place, which `stop` wants
   * to find. Resolves with the traces that were left in between.
   */
  async lose(): Promise<string> {
    await removeRegion(this.config);
    const left = await traces();
    mkdirSync(this.config.directory, { recursive: true });
    await createRegion(this.config, quiet);
    await this.restart({ machines: [], volumes: [], firewalls: [], loadBalancers: [] });
    return left;
  }

  /** A machine's description; `number` (11 to 99) makes its id and addresses. */
  machine(number: number, changes: Partial<MachineSpec> = {}, vpc: VpcSpec = vpcA): MachineSpec {
    const publicNetwork = this.config.publicCidr.split(".").slice(0, 3).join(".");
    const privateNetwork = vpc.cidr.split(".").slice(0, 3).join(".");
    return {
      id: 400_000_000 + number,
      name: `machine-${number}`,
      vcpus: 1,
      memory: 1024,
      disk: 25,
      publicIpv4: `${publicNetwork}.${number}`,
      privateIpv4: `${privateNetwork}.${number}`,
      vpcId: vpc.id,
      vpcCidr: vpc.cidr,
      macs: { public: `02:00:00:00:00:${number}`, private: `02:00:00:00:01:${number}` },
      userData: "",
      sshKeys: [this.publicKey],
      power: "on",
      ...changes,
    };
  }

  /** Starts machines and waits until they answer. Returns how long that took, in milliseconds. */
  async boot(...specs: readonly MachineSpec[]): Promise<number> {
    for (const spec of specs) this.machines.set(spec.id, spec);
    await this.serveMetadata();
    const start = Date.now();
    await this.make(...specs);
    await Promise.all(specs.map((spec) => this.reachable(spec)));
    return Date.now() - start;
  }

  /** Waits until a machine lets us in. @throws Error with its console when it does not. */
  async reachable(spec: MachineSpec, timeout = 90_000): Promise<void> {
    const end = Date.now() + timeout;
    for (;;) {
      const result = await this.try(spec, "true");
      if (result.code === 0) return;
      if (this.stopped || Date.now() > end)
        throw new Error(`${spec.name} does not let us in: ${result.stderr}\n${this.console(spec).slice(-3000)}`);
      await sleep(100);
    }
  }

  console(spec: MachineSpec): string {
    return readFileSync(join(this.config.directory, "logs", `${spec.name}.console.log`), "utf8");
  }

  /** Runs a command in the machine over SSH, from the administrator's address or another one of the host's. */
  async try(
    spec: MachineSpec,
    command: string,
    from: string = this.config.adminAddress,
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const options = [
      "StrictHostKeyChecking=no",
      "UserKnownHostsFile=/dev/null",
      "ConnectTimeout=2",
      "LogLevel=ERROR",
      "BatchMode=yes",
    ].flatMap((option) => ["-o", option]);
    return tryRun(
      ["ssh", "-F", "none", "-b", from, "-i", this.keyFile, ...options, `core@${spec.publicIpv4}`, command],
      { timeout: 30_000 },
    );
  }

  /** As `try`, and the command must succeed. Resolves with its output. */
  async ssh(spec: MachineSpec, command: string): Promise<string> {
    const result = await this.try(spec, command);
    if (result.code !== 0)
      throw new Error(`${spec.name}: "${command}" ended with ${result.code}: ${result.stderr}${result.stdout}`);
    return result.stdout.trim();
  }

  /** Pid of the machine's first process. */
  pid(spec: MachineSpec): number | undefined {
    return initOf(this.config, spec.id)?.pid;
  }

  /** Whether a TCP connection can be made from a machine (or, without one, from an address of the host's). */
  async connects(from: MachineSpec | string, address: string, port: number): Promise<boolean> {
    const script = `
      const socket = require("node:net").connect({ host: process.argv[1], port: Number(process.argv[2]), localAddress: process.argv[3] || undefined });
      const end = (code) => process.exit(code);
      socket.setTimeout(700, () => end(1)).on("connect", () => end(0)).on("error", () => end(1));`;
    const node = [process.execPath, "-e", script, address, String(port), typeof from === "string" ? from : ""];
    const command = typeof from === "string" ? node : inNamespace(`${this.config.namespace}-${from.id}`, node);
    return (await tryRun(command)).code === 0;
  }

  /** Sends a UDP packet from one machine's private address to another's. Returns whether it arrived. */
  async datagramArrives(from: MachineSpec, to: MachineSpec, port: number): Promise<boolean> {
    const receive = `
      const socket = require("node:dgram").createSocket("udp4");
      socket.on("message", () => process.exit(0)).bind(${port}, "${to.privateIpv4}", () => console.log("bound"));
      setTimeout(() => process.exit(1), 1200);`;
    const [program, ...parameters] = inNamespace(`${this.config.namespace}-${to.id}`, [
      process.execPath,
      "-e",
      receive,
    ]);
    const receiver = spawn(program!, parameters, { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve, reject) =>
      receiver.stdout.once("data", resolve).once("end", () => reject(new Error(`UDP port ${port} cannot be bound`))),
    );
    const ended = new Promise<number | null>((resolve) => receiver.once("exit", resolve));
    const send = `const s = require("node:dgram").createSocket("udp4"); s.bind(0, "${from.privateIpv4}", () => s.send("x", ${port}, "${to.privateIpv4}", () => s.close()));`;
    await run(inNamespace(`${this.config.namespace}-${from.id}`, [process.execPath, "-e", send]));
    return (await ended) === 0;
  }

  /** Serves HTTP in a machine's namespace on all its addresses; resolves with a function that ends it. */
  async serve(spec: MachineSpec, port: number): Promise<() => void> {
    const script = `require("node:http").createServer((request, response) => response.end("${spec.name} to " + request.socket.remoteAddress)).listen(${port}, "0.0.0.0", () => console.log("up"))`;
    const [program, ...parameters] = inNamespace(`${this.config.namespace}-${spec.id}`, [
      process.execPath,
      "-e",
      script,
    ]);
    const child = spawn(program!, parameters, { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    return () => void child.kill();
  }

  /** Asks for the body at a URL from a machine, or from an address of the host's; null when nothing answers. */
  async fetch(from: MachineSpec | string, url: string): Promise<string | null> {
    const curl = [
      "curl",
      "--noproxy",
      "*",
      "--silent",
      "--max-time",
      "2",
      ...(typeof from === "string" ? ["--interface", from] : []),
      "--write-out",
      " %{http_code}",
      url,
    ];
    const command = typeof from === "string" ? curl : inNamespace(`${this.config.namespace}-${from.id}`, curl);
    const result = await tryRun(command);
    return result.code === 0 ? result.stdout : null;
  }

  /** The metadata service in a process inside the region, like the daemon; it gets the list of all machines again. */
  private async serveMetadata(): Promise<void> {
    this.metadata?.kill();
    if (this.metadata) await new Promise((resolve) => this.metadata?.once("exit", resolve));
    const file = join(this.folder, "machines.json");
    const shown = [...this.machines.values()].map((machine) => ({ ...machine, region: "fra1", tags: ["one", "two"] }));
    writeFileSync(file, JSON.stringify(shown));
    const [program, ...parameters] = inNamespace(this.config.namespace, [
      process.execPath,
      "--import",
      pathToFileURL(require.resolve("tsx")).href,
      join(__dirname, "metadata-server.ts"),
      file,
    ]);
    this.metadata = spawn(program!, parameters, {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, COREKUBE_LAB: regionName },
    });
    await new Promise((resolve) => this.metadata?.stdout?.once("data", resolve));
  }
}

/** What this machine has that a region might leave behind. */
export async function traces(): Promise<string> {
  const { namespace, hostLink, publicCidr } = labConfig({ COREKUBE_LAB: regionName });
  const ask = async (command: string): Promise<string> => (await promisify(execFile)("sh", ["-c", command])).stdout;
  const commands = {
    links: `ip -o link | sed 's/@.*//' | awk '{print $2}' | grep '^${hostLink}' || true`,
    routes: `ip route | grep -E '${hostLink}|${publicCidr}' || true`,
    namespaces: `ip netns | grep '^${namespace}' || true`,
    mounts: `grep -E '${namespace}|corekube-machines' /proc/mounts || true`,
    loops: "losetup -l -n -O BACK-FILE | grep corekube-machines || true",
    rules: "nft list tables",
    groups: `find /sys/fs/cgroup -maxdepth 2 -name ${namespace}`,
    nspawn: `ls /run/systemd/nspawn/propagate 2>/dev/null | grep '^${namespace}' || true`,
    sockets: `ls /run | grep '^${namespace}' || true`,
    processes: `ps -eo args | grep -E '[c]orekube-machines-|${namespace}[-]' || true`,
    forwarding: "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/rp_filter",
  };
  const found = await Promise.all(
    Object.entries(commands).map(async ([name, command]) => `${name}:\n${await ask(command)}`),
  );
  return found.join("");
}
