/** A region that is one of AWS: moto behind the front, the machines that follow it, and their metadata. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { Server } from "node:http";
import type { Driver } from "../digitalocean/driver.js";
import type { Logger } from "../digitalocean/tasks.js";
import type { LabConfig } from "../../config.js";
import { balancerHealth } from "../../region/balancers.js";
import { createFront } from "./front.js";
import { Tokens, startMetadata } from "./metadata.js";
import { motoLost, motoStatus, numbersFile, startMoto } from "./moto.js";
import { InstanceNumbers } from "./numbers.js";
import { Synchroniser } from "./sync.js";

export interface Closer {
  readonly name: string;
  readonly close: () => Promise<unknown>;
}

/** Starts all of it in the region's namespace. @returns What ends it again, but for moto and the machines, which go on. */
export async function startAws(config: LabConfig, driver: Driver, logger: Logger): Promise<readonly Closer[]> {
  const moto = await startMoto(config);
  const sync = new Synchroniser({
    source: moto,
    driver,
    numbers: new InstanceNumbers(numbersFile(config)),
    logger,
    health: () => balancerHealth(config),
  });
  const metadata = await startMetadata((address) => sync.byAddress(address), new Tokens(tokenKey(config)));
  const lost = (): string | undefined => (motoStatus(config) === "running" ? undefined : motoLost(config));
  const front = createFront({ moto: moto.url, logger, changed: () => sync.changed(), token: config.token, lost });
  const { hostname, port } = new URL(config.apiUrl);
  await new Promise<void>((resolve, reject) => {
    front.once("error", reject);
    front.listen(Number(port), hostname, resolve);
  });
  // Machines that are taken over may take their time; requests are answered meanwhile.
  sync.start().catch((error: unknown) => logger.error(`synchronisation: ${String(error)}`));
  return [
    { name: "metadata", close: () => closed(metadata) },
    { name: "AWS", close: () => closed(front) },
    { name: "synchronisation", close: async () => sync.stop() },
  ];
}

function closed(server: Server): Promise<unknown> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

/** Kept, so that tokens that machines hold outlive the daemon. */
function tokenKey(config: LabConfig): Buffer {
  const file = join(config.directory, "aws", "metadata.key");
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, randomBytes(32), { mode: 0o600 });
  }
  return readFileSync(file);
}
