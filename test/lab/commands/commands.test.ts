import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { openPorts } from "../../../lab/cluster/network.js";
import { expectOnly } from "../../cluster/support/scale.js";
import { environmentLines } from "../../../lab/commands/env.js";
import { leftovers, takeFootprint } from "../../cluster/support/footprint.js";
import { run, tryRun } from "../../../lab/process/run.js";
import { labConfig, projectDirectory } from "../../../lab/config.js";

describe("the port check", () => {
  it("finds the port that answers", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const open = await openPorts(
      "127.0.0.1",
      [port - 1, port, port + 1].filter((item) => item < 65536),
      "127.0.0.1",
      { timeout: 500, width: 2 },
    );
    server.close();
    assert.ok(open.includes(port));
  });
});

describe("the scaling check", () => {
  const urn = (name: string): string => `urn:pulumi:dev::corekube::digitalocean:index/droplet:Droplet::${name}`;

  it("accepts the new machine's resources", () =>
    expectOnly([{ op: "create", urn: urn("kubernetes-worker-2") }], "create", "kubernetes-worker-2"));

  it("refuses any other change", () => {
    assert.throws(
      () =>
        expectOnly(
          [
            { op: "create", urn: urn("kubernetes-worker-2") },
            { op: "update", urn: urn("kubernetes-nodes") },
          ],
          "create",
          "kubernetes-worker-2",
        ),
      /update .*kubernetes-nodes/,
    );
    assert.throws(() => expectOnly([], "create", "kubernetes-worker-2"), /no change/);
  });
});

describe("what a region leaves behind", () => {
  it("finds a process with the region's mark and ignores others", async () => {
    const before = await takeFootprint();
    const mark = `corekube-mark-${process.pid}`;
    let found: string[] = [];
    await tryRun(["sh", "-c", `sleep 30; : ${mark}`], {
      timeout: 5_000,
      onStart: () =>
        void takeFootprint().then((after) => {
          found = leftovers(before, after, [mark]);
        }),
    });
    assert.ok(
      found.some((line) => line.startsWith("processes:") && line.includes(mark)),
      found.join("\n"),
    );
    assert.deepEqual(leftovers(before, { ...before, links: [...before.links, "new0"] }, [mark]), ["links: new0"]);
  });
});

describe("make env", () => {
  it("prints lines that a shell evaluates unchanged", async () => {
    const config = labConfig({ COREKUBE_LAB_DIR: "/tmp/it's here", COREKUBE_CACHE: "/tmp/corekube-env-test" });
    const lines = environmentLines(config, "dev", { PULUMI_CONFIG_PASSPHRASE: "" });
    const output = await run([
      "bash",
      "-c",
      `${lines.join("\n")}\nprintf '%s|%s|%s|%s' "$KUBECONFIG" "$PULUMI_STACK" "\${PULUMI_CONFIG_PASSPHRASE-unset}" "$(command -v corekube)"`,
    ]);
    assert.equal(output, `/tmp/it's here/kubeconfig|dev|unset|${join(projectDirectory, "cli/bin/corekube")}`);
  });
});
