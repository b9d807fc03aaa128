/**
 * The region's daemon: the cloud's API (DigitalOcean's or AWS's), metadata, mirror, and the driver that makes machines of it.
 *
 * Runs inside the region's network namespace, started by daemon-control.ts. Its end stops the serving only: machines,
 * load balancers and firewalls go on, and the next start takes them over.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createApi } from "./clouds/digitalocean/index.js";
import { type Closer, startAws } from "./clouds/aws/index.js";
import { type LabConfig, labConfig } from "./config.js";
import { daemonFiles } from "./daemon-files.js";
import { JsonLog } from "./daemon-log.js";
import { joinHostGroup } from "./region/cgroups.js";
import { regionCloud } from "./kind.js";
import { NspawnDriver } from "./region/driver.js";
import { startMetadata } from "./clouds/digitalocean/metadata.js";
import { markOf, writeMark } from "./region/processes.js";
import { startMirror } from "./mirror/index.js";

async function startDigitalOcean(config: LabConfig, driver: NspawnDriver, log: JsonLog): Promise<readonly Closer[]> {
  const api = await createApi({ driver, stateFile: join(config.directory, "api.json"), config, logger: log });
  const metadata = await startMetadata(config, (address) => api.store.dropletByAddress(address) ?? undefined);
  const { hostname, port } = new URL(config.apiUrl);
  await api.app.listen({ host: hostname, port: Number(port) });
  return [
    { name: "API", close: () => api.app.close() },
    {
      name: "metadata",
      close: () => {
        metadata.closeAllConnections();
        return new Promise((resolve) => metadata.close(resolve));
      },
    },
  ];
}

async function main(): Promise<void> {
  const config = labConfig();
  const files = daemonFiles(config);
  mkdirSync(config.directory, { recursive: true });
  const mark = markOf(process.pid)!;
  writeMark(files.process, mark);
  rmSync(files.ready, { force: true });
  joinHostGroup(config);
  const log = new JsonLog(files.log, [config.token]);

  let stopping = false;
  const closers: Closer[] = [];
  const stop = async (reason: string, code: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info(`stopping: ${reason}`);
    // What does not close in time is cut off: nothing is lost by it, the state is written with every answer.
    setTimeout(() => process.exit(code), 8_000).unref();
    for (const { name, close } of closers.reverse()) {
      await close().catch((error: unknown) => log.error(`${name}: ${String(error)}`));
    }
    rmSync(files.ready, { force: true });
    rmSync(files.process, { force: true });
    process.exit(code);
  };
  process.on("SIGTERM", () => void stop("asked to", 0));
  process.on("SIGINT", () => void stop("interrupted", 0));
  process.on("unhandledRejection", (error) =>
    log.error(`unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
  );
  process.on("uncaughtException", (error) => {
    log.error(`uncaught: ${error.stack ?? error.message}`);
    void stop("internal error", 1);
  });

  const driver = new NspawnDriver(config, { progress: { report: (line) => log.info(line) } });
  const mirror = await startMirror(config);
  closers.push({ name: "mirror", close: () => mirror.stop() });
  closers.push(
    ...(regionCloud(config) === "aws"
      ? await startAws(config, driver, log)
      : await startDigitalOcean(config, driver, log)),
  );
  writeMark(files.ready, mark);
  log.info(`serving on ${config.apiUrl}`);
}

main().catch((error: unknown) => {
  // To the log file, which the daemon's output goes to, and from there into the error of whoever started it.
  process.stderr.write(
    `${JSON.stringify({ time: new Date().toISOString(), level: "error", message: error instanceof Error ? (error.stack ?? error.message) : String(error) })}\n`,
  );
  process.exit(1);
});
