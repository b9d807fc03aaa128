/** The provider's process: serves the engine's calls and ends when the engine does. */
import { createServer, ENGINE_PORT_HOST } from "./rpc/server.js";
import { EngineLog } from "./rpc/log.js";
import { functions, kinds } from "./resources/index.js";

/** Time that running operations have to clean up (delete tokens, close connections) once the process is told to end. */
const CLEANUP_MILLISECONDS = 8_000;

const log = new EngineLog(process.argv[2]);
const service = createServer(kinds, log, functions);

async function stop(): Promise<void> {
  service.cancel();
  await Promise.race([service.drained(), new Promise((resolve) => setTimeout(resolve, CLEANUP_MILLISECONDS))]);
  process.exit(0);
}

process.once("SIGINT", () => void stop());
process.once("SIGTERM", () => void stop());

// An engine that was killed cannot cancel us: without this an orphan would go on waiting for machines.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) void stop();
}, 2_000).unref();

service.listen().then(
  (port) => process.stdout.write(`${port}\n`),
  (error: unknown) => {
    console.error(`The provider "corekube" cannot listen on ${ENGINE_PORT_HOST}: ${String(error)}`);
    process.exit(1);
  },
);
