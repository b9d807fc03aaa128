/** A plugin's process: serves the engine's calls and ends when the engine does. */
import type { Plugin } from "./kind.js";
import { EngineLog } from "./log.js";
import { createServer, ENGINE_PORT_HOST } from "./server.js";

/** Time that running operations have to clean up (delete tokens, close connections) once the process gets a signal to end. */
const CLEANUP_MILLISECONDS = 8_000;

export function serve<Settings>(plugin: Plugin<Settings>): void {
  const service = createServer(plugin, new EngineLog(process.argv.slice(2).find((word) => !word.startsWith("-"))));

  async function stop(): Promise<void> {
    service.cancel();
    await Promise.race([service.drained(), new Promise((resolve) => setTimeout(resolve, CLEANUP_MILLISECONDS))]);
    process.exit(0);
  }

  process.once("SIGINT", () => void stop());
  process.once("SIGTERM", () => void stop());

  // An engine that was killed cannot cancel us: without this an orphan would wait for its resources forever.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void stop();
  }, 2_000).unref();

  service.listen().then(
    (port) => process.stdout.write(`${port}\n`),
    (error: unknown) => {
      console.error(`The provider "${plugin.name}" cannot listen on ${ENGINE_PORT_HOST}: ${String(error)}`);
      process.exit(1);
    },
  );
}
