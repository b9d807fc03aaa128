/**
 * Pulumi's language host for Node programs, for machines that cannot download the official one: started by the engine
 * as `pulumi-language-nodejs <engine address>`, answers on the port that it prints.
 */
import { toolchain } from "../../../components/spec/versions.js";
import { createHost } from "./host.js";

// The last argument that is no flag: the engine puts its address there.
const address = process.argv.slice(2).findLast((argument) => !argument.startsWith("-")) ?? "";
const host = createHost(address, toolchain.pulumi);

const stop = (): void => void host.cancel().finally(() => process.exit(0));

process.once("SIGINT", stop);
process.once("SIGTERM", stop);

// An engine that was killed cannot cancel anything.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) stop();
}, 2_000).unref();

host.listen().then(
  (port) => process.stdout.write(`${port}\n`),
  (error: unknown) => {
    console.error(`pulumi-language-nodejs: cannot listen on 127.0.0.1: ${String(error)}`);
    process.exit(1);
  },
);
