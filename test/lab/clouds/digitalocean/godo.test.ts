import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { config, TestApi } from "./support.js";

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], timeout: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: join(__dirname, "godo"),
      env: { ...process.env, GOWORK: "off" },
      timeout,
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...output }));
  });
}

describe("lab API, driven by the Go client of the official provider", function () {
  this.timeout(600_000);
  const api = new TestApi();
  const directory = mkdtempSync(join(tmpdir(), "corekube-godo-"));
  after(async () => {
    rmSync(directory, { recursive: true, force: true });
    await api.stop();
  });

  it("answers every request of the client, with all fields that it knows and no others", async () => {
    const binary = join(directory, "godo");
    // Go's own cache keeps what was built: a second run takes a second.
    const built = await run("go", ["build", "-o", binary, "."], 540_000);
    assert.equal(built.code, 0, `go build: ${built.stderr}`);
    await api.start();
    const address = await api.api.app.listen({ host: "127.0.0.1", port: 0 });
    const checked = await run(binary, [address, config.token], 120_000);
    assert.equal(checked.code, 0, checked.stderr);
    const { steps } = JSON.parse(checked.stdout) as { steps: string[] };
    assert.equal(steps.length, 13);
    assert.deepEqual(api.errors, []);
  });
});
