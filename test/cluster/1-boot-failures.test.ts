/** What a user sees when a machine cannot boot: which machine, which unit, why. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deploy } from "../../lab/commands/up.js";
import { runEngine } from "../../lab/engine/run.js";
import { config, openRegion, progress } from "./region.js";

const stack = "broken";
const clusterName = "broken";
const settings = { "corekube:cluster_name": clusterName, "corekube:node_count": 1, "corekube:boot_timeout": 120 };

interface Mirrors {
  releases: string;
  registries: Record<string, string>;
  checksums: string;
}

/** Deploys with other mirrors and returns the error of the run. */
async function failure(mirrors: Partial<Mirrors>): Promise<string> {
  const all: Mirrors = {
    releases: config.mirrorUrl,
    registries: Object.fromEntries(
      ["registry.k8s.io", "ghcr.io", "docker.io"].map((host) => [host, `${config.registryUrl}/${host}`]),
    ),
    checksums: join(config.directory, "checksums.json"),
    ...mirrors,
  };
  let message: string | undefined;
  try {
    await deploy(config, stack, progress, { ...settings, "corekube:mirrors": all });
  } catch (error) {
    message = error instanceof Error ? error.message : String(error);
  }
  assert.ok(message !== undefined, "the run succeeded");
  return message;
}

describe("a machine that cannot boot", function () {
  this.timeout(900_000);

  before(() => openRegion());

  afterEach(async () => {
    const result = await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.equal(result.code, 0, "what was made of the broken cluster can be destroyed");
  });

  it("a wrong checksum in the mirror: the error names machine, unit, file and both checksums", async () => {
    const right = JSON.parse(readFileSync(join(config.directory, "checksums.json"), "utf8")) as {
      releases: Record<string, string>;
    };
    const wrong = "0".repeat(64);
    const checksums = join(config.directory, "wrong-checksums.json");
    const releases = Object.fromEntries(
      Object.entries(right.releases).map(([url, sum]) => [url, url.includes("etcd") ? wrong : sum]),
    );
    writeFileSync(checksums, JSON.stringify({ ...right, releases }));
    const message = await failure({ checksums });
    for (const part of [`${clusterName}-etcd-0`, "corekube-install.service", "etcd-v", wrong])
      assert.ok(message.includes(part), `no "${part}" in: ${message}`);
  });

  it("an unreachable mirror: the error names machine, unit and address", async () => {
    const address = `http://${config.gateway}:5999`;
    const message = await failure({ releases: address });
    for (const part of [`${clusterName}-`, "corekube-install.service", `${config.gateway}:5999`])
      assert.ok(message.includes(part), `no "${part}" in: ${message}`);
  });
});
