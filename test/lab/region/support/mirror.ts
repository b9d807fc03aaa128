/** Something that answers on the ports of mirror and registry, in a process inside the region. */
import { spawn } from "node:child_process";
import type { LabConfig } from "../../../../lab/config.js";
import { inNamespace } from "../../../../lab/region/run.js";

/** Resolves, once both ports are open, with a function that ends it. */
export async function startMirror(config: LabConfig): Promise<() => void> {
  const ports = [config.mirrorUrl, config.registryUrl].map((url) => new URL(url).port);
  const script = `
    let open = 0;
    const server = () => require("node:http").createServer((request, response) => response.end("content"));
    for (const port of [${ports.join(", ")}]) server().listen(port, "${config.gateway}", () => (open += 1) === 2 && console.log("up"));`;
  const [program, ...parameters] = inNamespace(config.namespace, [process.execPath, "-e", script]);
  const child = spawn(program!, parameters, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve, reject) =>
    child.stdout.once("data", resolve).once("end", () => reject(new Error("the test's mirror did not start"))),
  );
  return () => void child.kill();
}
