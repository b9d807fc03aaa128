/** The release of a cluster with one controller: a pause that is said before, and changes that fail and leave the rest serving. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deploy } from "../../../lab/commands/up.js";
import { runEngine } from "../../../lab/engine/run.js";
import { pulumi } from "../../../lab/engine/stack.js";
import { catalogue } from "../../../components/spec/versions.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { kubeletConfig } from "../../../components/contract/paths.js";
import { Upgrades } from "../support/upgrade.js";

const stack = "dev";
const [first, second] = ["1.35.4", "1.36.3"] as const;
/** A file of somebody else beside the kubelet's configuration, which a kubelet reads only when it starts. */
const dropin = "/etc/kubernetes/kubelet.conf.d/99-somebody.conf";

describe("the release of a cluster with one controller", function () {
  this.timeout(1_200_000);
  const upgrades = new Upgrades(config, stack, progress);
  const worker = async (command: string): Promise<string> => {
    const context = await upgrades.context();
    return context.inMachine(
      context.machines().find(({ name }) => name === "kubernetes-worker-0")!,
      command,
    );
  };

  before(() => openRegion("digitalocean", [first, "1.36.1", second]));
  before(() => deploy(config, stack, progress, { "corekube:node_count": 2, "corekube:kubernetes_version": first }));
  after(async () => {
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  it("a preview says that the API pauses", async () => {
    await upgrades.set({ kubernetes_version: second });
    const text = await pulumi(config, ["preview", "--stack", stack], { stack });
    assert.match(text, /only controller/);
    assert.match(text, /only member of etcd/);
  });

  it("a file with a wrong checksum ends the run before that machine is switched; with the right one it goes on", async () => {
    const file = join(config.directory, "checksums.json");
    const right = readFileSync(file, "utf8");
    const checksums = JSON.parse(right) as { releases: Record<string, string> };
    const { url } = catalogue[second]!.releases.kubelet;
    assert.ok(checksums.releases[url], url);
    writeFileSync(file, JSON.stringify({ ...checksums, releases: { ...checksums.releases, [url]: "0".repeat(64) } }));
    try {
      const failure = await upgrades.fails();
      assert.match(failure, /kubernetes-controller-0[\s\S]*kubelet: wrong checksum of[\s\S]*pulumi up/);
    } finally {
      writeFileSync(file, right);
    }
    const { api, kubelets, etcd } = await upgrades.versions();
    assert.deepEqual([api, kubelets, etcd], [`v${first}`, `v${first}`, "3.7.1"], "etcd has gone first");
  });

  it("a worker that does not serve with it ends the run, the rest serves, and the next run goes on", async () => {
    await worker(`mkdir -p $(dirname ${dropin}) && echo 'kind: nonsense' >${dropin}`);
    const failure = await upgrades.fails();
    process.stdout.write(`${failure.replace(/^/gm, "      ")}\n`);
    assert.match(failure, /kubernetes-worker-0[\s\S]*(kubelet|Node)/);
    const context = await upgrades.context();
    await context.kubectl(["wait", "node", "kubernetes-worker-1", "--for=condition=Ready", "--timeout=10s"]);
    assert.equal(
      await context.kubectlValue("{.status.nodeInfo.kubeletVersion}", "node", "kubernetes-worker-1"),
      `v${first}`,
      "the next worker has not been touched",
    );
    await worker(`rm ${dropin}`);
    const { pause } = await upgrades.watched((onEvent) => upgrades.up(onEvent));
    assert.ok(pause < 60_000, `${pause} ms`);
    const { api, kubelets, etcd } = await upgrades.versions();
    assert.deepEqual([api, kubelets, etcd], [`v${second}`, `v${second}`, "3.7.1"]);
    await upgrades.settled();
  });

  it("a worker that does not serve holds up no change of the others, and a change of all nodes puts it right", async () => {
    await worker(`echo nonsense >${kubeletConfig} && systemctl restart kubelet`);
    const context = await upgrades.context();
    const node = ["wait", "node", "kubernetes-worker-0"];
    await context.kubectl([...node, "--for=condition=Ready=Unknown", "--timeout=120s"]);
    await upgrades.set({ log_level: "DEBUG" });
    await upgrades.up();
    await context.kubectl([...node, "--for=condition=Ready", "--timeout=10s"]);
    const levels = await context.kubectlValue(
      "{.items[*].spec.containers[0].command}",
      ...["pods", "-n", "kube-system", "-l", "k8s-app=kube-proxy"],
    );
    assert.equal(levels.match(/--v=4/g)?.length, 3, levels);
    await upgrades.set({ log_level: "" });
    await upgrades.up();
    await upgrades.settled();
  });

  it("a patch down and up, with a pause of less than a minute", async () => {
    for (const version of ["1.36.1", second]) {
      await upgrades.set({ kubernetes_version: version });
      const { pause } = await upgrades.watched((onEvent) => upgrades.up(onEvent));
      assert.ok(pause < 60_000, `${pause} ms`);
      assert.equal((await upgrades.versions()).api, `v${version}`);
    }
    await upgrades.settled();
  });
});
