/** A plugin's process: serves the engine's calls and ends when the engine does. */
import { EngineLog } from "../../../provider/rpc/log.js";
import type { Plugin } from "./kind.js";
import { createServer } from "./server.js";
import { findSdk } from "./types.js";

/** Time that running operations have to end once the process is told to, in milliseconds. */
const endMilliseconds = 5_000;

export function serve(plugin: Plugin): void {
  const log = new EngineLog(process.argv.slice(2).find((argument) => !argument.startsWith("-")));
  const server = createServer(plugin, findSdk(plugin.sdk), log);

  async function stop(): Promise<void> {
    server.cancel();
    await Promise.race([server.idle(), new Promise((resolve) => setTimeout(resolve, endMilliseconds))]);
    process.exit(0);
  }

  process.once("SIGINT", () => void stop());
  process.once("SIGTERM", () => void stop());

  // An engine that was killed cannot cancel anything: without this an orphan would go on waiting.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) void stop();
  }, 2_000).unref();

  server.listen().then(
    (port) => process.stdout.write(`${port}\n`),
    (error: unknown) => {
      console.error(`pulumi-resource-${plugin.name}: cannot listen on 127.0.0.1: ${String(error)}`);
      process.exit(1);
    },
  );
}
