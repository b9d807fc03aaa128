/**
 * moto, which answers as AWS: installed once into the cache, one process for each region.
 *
 * It outlives the daemon and is found again by its mark. Its state is in its memory alone: when it ends, the region's account is
 * gone, and with it what each machine was.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { addressModeFile } from "../../addressMode.js";
import type { LabConfig } from "../../config.js";
import { scarcityFile } from "../../scarcity.js";
import { joinHostGroup } from "../../region/cgroups.js";
import { logsDirectory } from "../../region/names.js";
import { Daemon } from "../../process/daemon.js";
import { run } from "../../process/run.js";
import { inNamespace } from "../../region/run.js";
import type { Progress } from "../../progress.js";
import type { DebianPackage } from "../../toolchain/packages.js";
import { ensureFolder } from "../../toolchain/store.js";
import { versions } from "../../toolchain/versions.js";
import type { AwsReport, AwsState } from "./state.js";

/** What the region's AWS needs of Debian. */
export const awsPackages: readonly DebianPackage[] = [
  { name: "dnsmasq-base", purpose: "the region's name server" },
  { name: "python3", purpose: "moto (the lab's AWS)" },
  { name: "python3-venv", purpose: "moto's own Python packages" },
];

const files = join(__dirname, "moto");
const launcher = join(files, "launcher.py");
const requirements = join(files, "requirements.txt");

/** Region of AWS that a lab region plays: the one that the lab's stack names. */
export const awsRegion = "eu-central-1";

/** Port of moto itself; only the region's own processes reach it. */
const port = 8079;

const environmentFolder = (config: Pick<LabConfig, "cache">): string =>
  join(
    config.cache,
    "tools",
    `moto-${createHash("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12)}`,
  );

/** Installs moto into the cache; what is there is kept. @throws Error with the end of pip's output. */
export async function ensureMoto(config: Pick<LabConfig, "cache">, progress: Progress): Promise<void> {
  await ensureFolder(environmentFolder(config), progress, async (folder) => {
    progress.report("moto: installing it from the Python package index");
    await run(["python3", "-m", "venv", folder], { signal: progress.signal });
    // Started by path: a virtual environment's own scripts name the folder that it was made in, which is renamed afterwards.
    const options = "--quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all:".split(" ");
    const pip = ["-m", "pip", "install", ...options, "--requirement", requirements];
    try {
      await run([join(folder, "bin", "python3"), ...pip], { signal: progress.signal });
    } catch (error) {
      progress.signal?.throwIfAborted();
      throw new Error(
        `moto cannot be installed; check the network and pip's settings (pip config list), then try again: ${(error as Error).message}`,
        { cause: error },
      );
    }
  });
}

export type MotoStatus = "running" | "stopped" | "lost";

const directory = (config: LabConfig): string => join(config.directory, "aws");
const daemon = (config: LabConfig): Daemon =>
  new Daemon("the region's AWS (moto)", join(directory(config), "moto.json"), join(logsDirectory(config), "moto.log"));

/** File with the numbers of the region's instances. */
export const numbersFile = (config: LabConfig): string => join(directory(config), "instances.json");

/** `lost`: it ran and ended without being asked to; the account's state went with it. */
export function motoStatus(config: LabConfig): MotoStatus {
  if (daemon(config).running()) return "running";
  return daemon(config).crashed() ? "lost" : "stopped";
}

/** What to do when moto has ended. */
export const motoLost = (config: LabConfig): string =>
  `the region's AWS (moto) has ended, and its state with it; see ${daemon(config).log}. The cluster cannot be managed any more: run "make down${config.name === "lab" ? "" : ` COREKUBE_LAB=${config.name}`}", then "make up" again`;

/** Moto's place; a test without a region has a port of its own. */
export interface MotoPlace {
  /** Network namespace; undefined: that of this process. */
  readonly namespace?: string | undefined;
  readonly port: number;
}

/**
 * Starts moto and waits until it answers; one that runs is kept. `ensureMoto` has installed it.
 * @throws Error when an earlier one was lost, or when it does not start, with the end of its log.
 */
export async function startMoto(
  config: LabConfig,
  { namespace, port: ownPort }: MotoPlace = { namespace: config.namespace, port },
): Promise<Moto> {
  const status = motoStatus(config);
  if (status === "lost") throw new Error(motoLost(config));
  const moto = new Moto(`http://127.0.0.1:${ownPort}`);
  const command = [
    join(environmentFolder(config), "bin", "python3"),
    ...[launcher, "--port", String(ownPort), "--region", awsRegion, "--public-cidr", config.publicCidr],
    ...["--keep", config.gateway, "--flatcar", versions.flatcar.version],
    ...["--scarcity", scarcityFile(config), "--addresses", addressModeFile(config)],
  ];
  try {
    await daemon(config).start({
      command: namespace === undefined ? command : inNamespace(namespace, command),
      // No credentials and no proxies of the user: moto needs neither.
      env: {
        PATH: process.env["PATH"],
        LANG: "C.UTF-8",
        HOME: "/nonexistent",
        AWS_ACCESS_KEY_ID: "lab",
        AWS_SECRET_ACCESS_KEY: "lab",
        PYTHONDONTWRITEBYTECODE: "1",
      },
      onStart: ({ pid }) => namespace !== undefined && joinHostGroup(config, pid),
      ready: async () => (await moto.state()) !== undefined,
      timeout: 60_000,
      pause: 200,
    });
  } catch (error) {
    // One that never answered had no state to lose.
    if (status !== "running") await stopMoto(config);
    throw error;
  }
  return moto;
}

/** Ends moto: the account is gone. */
export const stopMoto = (config: LabConfig): Promise<void> => daemon(config).stop(3_000);

/** The paths of the launcher beside AWS's own. */
export class Moto {
  constructor(readonly url: string) {}

  async state(): Promise<AwsState> {
    const response = await fetch(`${this.url}/corekube/state`, { signal: AbortSignal.timeout(20_000) });
    if (!response.ok) throw new Error(`moto's state: ${response.status} ${(await response.text()).slice(-500)}`);
    return (await response.json()) as AwsState;
  }

  async report(report: AwsReport): Promise<void> {
    const response = await fetch(`${this.url}/corekube/report`, {
      method: "POST",
      body: JSON.stringify(report),
      signal: AbortSignal.timeout(20_000),
    });
    if (!response.ok) throw new Error(`moto's report: ${response.status} ${(await response.text()).slice(-500)}`);
    await response.arrayBuffer();
  }
}
