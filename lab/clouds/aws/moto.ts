/**
 * moto, which answers as AWS: installed once into the cache, one process for each region.
 *
 * It outlives the daemon and is found again by its mark. Its state is in its memory alone: when it ends, the region's account is
 * gone, and so is every way to tell which machine was what.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LabConfig } from "../../config.js";
import { joinHostGroup } from "../../region/cgroups.js";
import { logsDirectory } from "../../region/names.js";
import {
  type ProcessMark,
  isAlive,
  markOf,
  readMark,
  signalMark,
  waitForEnd,
  writeMark,
} from "../../region/processes.js";
import { inNamespace } from "../../region/run.js";
import type { Progress } from "../../progress.js";
import type { DebianPackage } from "../../toolchain/packages.js";
import { run } from "../../toolchain/run.js";
import { ensureFolder } from "../../toolchain/store.js";
import { versions } from "../../toolchain/versions.js";
import type { AwsReport, AwsState } from "./state.js";

/** What moto needs of Debian. */
export const motoPackages: readonly DebianPackage[] = [
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
    await run("python3", ["-m", "venv", folder], { signal: progress.signal });
    // Started by path: a virtual environment's own scripts name the folder that it was made in, which is renamed afterwards.
    const pip = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--no-deps",
      "--require-hashes",
      "--only-binary=:all:",
      "--requirement",
      requirements,
    ];
    try {
      await run(join(folder, "bin", "python3"), pip, { signal: progress.signal });
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
const markFile = (config: LabConfig): string => join(directory(config), "moto.json");
const logFile = (config: LabConfig): string => join(logsDirectory(config), "moto.log");

/** File with the numbers of the region's instances. */
export const numbersFile = (config: LabConfig): string => join(directory(config), "instances.json");

/** `lost`: it ran and ended without being asked to; the account's state went with it. */
export function motoStatus(config: LabConfig): MotoStatus {
  if (isAlive(readMark(markFile(config)))) return "running";
  return existsSync(markFile(config)) ? "lost" : "stopped";
}

/** What to do when moto has ended. */
export const motoLost = (config: LabConfig): string =>
  `the region's AWS (moto) has ended, and its state with it; see ${logFile(config)}. The cluster cannot be managed any more: run "make down${config.name === "lab" ? "" : ` COREKUBE_LAB=${config.name}`}", then "make up" again`;

/**
 * Starts moto in the region and waits until it answers; one that runs is kept. `make up` has installed it.
 * @throws Error when an earlier one was lost, or when it does not start.
 */
export async function startMoto(config: LabConfig): Promise<Moto> {
  const moto = new Moto(`http://127.0.0.1:${port}`);
  const status = motoStatus(config);
  if (status === "lost") throw new Error(motoLost(config));
  mkdirSync(directory(config), { recursive: true });
  const mark =
    readMark(markFile(config)) ??
    (await launchMoto(config, { namespace: config.namespace, port, log: logFile(config) }));
  if (status !== "running") joinHostGroup(config, mark.pid);
  writeMark(markFile(config), mark);
  try {
    await moto.answering(mark, logFile(config));
  } catch (error) {
    // One that never answered had no state to lose.
    if (status !== "running") await stopMoto(config);
    throw error;
  }
  return moto;
}

export interface MotoStart {
  /** Network namespace to run in; undefined: that of this process. */
  readonly namespace?: string;
  readonly port: number;
  readonly log: string;
}

/** Starts the process; also for tests, which have no region. */
export async function launchMoto(config: LabConfig, start: MotoStart): Promise<ProcessMark> {
  mkdirSync(logsDirectory(config), { recursive: true });
  const log = openSync(start.log, "a", 0o600);
  const command = [
    join(environmentFolder(config), "bin", "python3"),
    launcher,
    ...[
      "--port",
      String(start.port),
      "--region",
      awsRegion,
      "--public-cidr",
      config.publicCidr,
      "--keep",
      config.gateway,
      "--flatcar",
      versions.flatcar.version,
    ],
  ];
  const [program, ...parameters] = start.namespace === undefined ? command : inNamespace(start.namespace, command);
  // No credentials and no proxies of whoever runs the lab: moto needs neither.
  const env = {
    PATH: process.env["PATH"],
    LANG: "C.UTF-8",
    HOME: "/nonexistent",
    AWS_ACCESS_KEY_ID: "lab",
    AWS_SECRET_ACCESS_KEY: "lab",
    PYTHONDONTWRITEBYTECODE: "1",
  };
  const child = spawn(program!, parameters, { detached: true, stdio: ["ignore", log, log], cwd: "/", env });
  closeSync(log);
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  const mark = markOf(child.pid!);
  if (!mark) throw new Error(`the region's AWS (moto) ended at once; see ${start.log}`);
  child.unref();
  return mark;
}

/** Ends moto: the account is gone. */
export async function stopMoto(config: LabConfig): Promise<void> {
  const mark = readMark(markFile(config));
  await endMoto(mark);
  rmSync(markFile(config), { force: true });
}

export async function endMoto(mark: ProcessMark | undefined): Promise<void> {
  signalMark(mark, "SIGTERM");
  if (await waitForEnd(mark, 3_000)) return;
  signalMark(mark, "SIGKILL");
  await waitForEnd(mark, 2_000);
}

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

  /** Waits until it answers. @throws Error with the place of its log when its process ends first. */
  async answering(mark: ProcessMark, log: string, timeout = 60_000): Promise<void> {
    const end = Date.now() + timeout;
    for (;;) {
      try {
        await this.state();
        return;
      } catch (error) {
        if (!isAlive(mark))
          throw new Error(`the region's AWS (moto) ended while it started; see ${log}`, { cause: error });
        if (Date.now() > end)
          throw new Error(`the region's AWS (moto) does not answer at ${this.url}; see ${log}`, { cause: error });
      }
      await sleep(200);
    }
  }
}
