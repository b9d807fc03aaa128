/**
 * The example `monitoring`, as its README says to use it: in a highly available cluster all targets answer, every expression of the rules
 * and the dashboard asks for metrics that exist, and alerts fire when what they are about happens, and end with it.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { CheckContext } from "../../../lab/cluster/context.js";
import { labConfig, projectDirectory } from "../../../lab/config.js";
import type { Machine } from "../../../lab/engine/outputs.js";
import { runEngine } from "../../../lab/engine/run.js";
import { stackEnvironment } from "../../../lab/engine/stack.js";
import { run } from "../../../lab/process/run.js";
import { until } from "../../../lab/process/until.js";
import { ensureTools, toolPath } from "../../../lab/toolchain/index.js";
import { expressions, metricNames } from "../../support/monitoring.js";
import { powerOff, powerOn } from "../faults/faults.js";
import { untilWhole } from "../faults/recovery.js";
import { config, progress } from "../region.js";
import { fill, onMember } from "../support/etcdDisk.js";
import { withCluster } from "./support.js";

const folder = join(projectDirectory, "examples/monitoring");
const stack = "ha";
const minute = 60_000;

describe("rules of the example monitoring", function () {
  this.timeout(20 * minute);
  const promtool = (...args: string[]): Promise<string> =>
    run([toolPath(labConfig(), "promtool"), ...args], { cwd: folder });
  // The first time, it is built.
  before(() => ensureTools(labConfig(), ["promtool"], progress));

  it("and its configuration are in Prometheus' form", async () => {
    await promtool("check", "rules", "rules.yml");
    for (const file of ["prometheus.yml", "velero/velero.yml"])
      await promtool("check", "config", "--syntax-only", file);
  });

  it("fire when they should, and not just below or before", async () => {
    await promtool("test", "rules", "rules.test.yml");
  });

  it("and panels have expressions that Prometheus understands", async () => {
    for (const expression of expressions(folder)) assert.ok(metricNames(expression).length > 0, expression);
    const rules = expressions(folder).map((expr, index) => ({ record: `expression_${index}`, expr }));
    await run([toolPath(labConfig(), "promtool"), "check", "rules", "--lint=none"], {
      input: JSON.stringify({ groups: [{ name: "all", rules }] }),
    });
  });
});

interface Answer<T> {
  readonly data: T;
}

describe("the example monitoring", function () {
  this.timeout(15 * minute);
  const { context } = withCluster({
    stack,
    settings: { high_availability: true, node_count: 2, public_node_count: 0, etcd: { data_disk: 1024 } },
    examples: ["monitoring"],
  });
  let of: CheckContext;
  /** The worker that Prometheus runs on, and its address there. */
  let home: Machine;
  let address: string;

  /** Asked from its machine: the API is away in some of the tests. */
  const ask = async <T>(path: string): Promise<T> => {
    const text = await of.inMachine(home, `curl -sS --fail --max-time 10 'http://${address}:9090${path}'`);
    return (JSON.parse(text) as Answer<T>).data;
  };
  const firing = async (): Promise<Set<string>> => {
    const { alerts } = await ask<{ alerts: { labels: { alertname: string }; state: string }[] }>("/api/v1/alerts");
    return new Set(alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels.alertname));
  };
  const untilFiring = async (names: readonly string[]): Promise<void> => {
    const began = Date.now();
    await until(`${names.join(", ")} fire`, { timeout: 5 * minute, pause: 3_000 }, async () => {
      const now = await firing();
      assert.deepEqual(
        names.filter((name) => !now.has(name)),
        [],
        "quiet",
      );
    });
    process.stdout.write(`      ${names.join(", ")}: after ${Math.round((Date.now() - began) / 1000)} s\n`);
  };
  const untilQuiet = (): Promise<unknown> =>
    until("no alert fires", { timeout: 6 * minute, pause: 3_000 }, async () =>
      assert.deepEqual([...(await firing())], []),
    );
  const connectEtcd = (): Promise<string> =>
    run([join(folder, "etcd.sh")], { cwd: projectDirectory, env: stackEnvironmentOf(), timeout: minute });
  const stackEnvironmentOf = (): NodeJS.ProcessEnv => ({ ...process.env, ...stackEnvironment(config, stack) });

  before("it runs", async () => {
    of = await context();
    await of.kubectl(["apply", "-k", folder]);
    await shorten();
    await of.kubectl(["rollout", "status", "-n", "monitoring", "statefulset/prometheus", "--timeout=240s"], {
      timeout: 250_000,
    });
    const pod = ["pod", "prometheus-0", "-n", "monitoring"];
    const node = await of.kubectlValue("{.spec.nodeName}", ...pod);
    home = of.machines("worker").find(({ name }) => name === node)!;
    address = await of.kubectlValue("{.status.podIP}", ...pod);
  });

  /** Nobody waits 15 minutes here: all times that alerts wait, and the longer windows, are shorter, and nothing else is changed. */
  async function shorten(): Promise<void> {
    const rules = readFileSync(join(folder, "rules.yml"), "utf8")
      .replaceAll(/^( +for:) .*$/gm, "$1 15s")
      .replaceAll("[15m]", "[2m]");
    const settings = readFileSync(join(folder, "prometheus.yml"), "utf8")
      .replaceAll(/_interval: 30s/g, "_interval: 10s")
      .replace("refresh_interval: 1m", "refresh_interval: 5s");
    const data = { "rules.yml": rules, "prometheus.yml": settings };
    await of.kubectl(["patch", "configmap", "prometheus", "-n", "monitoring", "-p", JSON.stringify({ data })]);
    // A pod that is new has the new files at once.
    await of.kubectl(["delete", "pod", "prometheus-0", "-n", "monitoring", "--ignore-not-found"]);
  }

  it("says that it does not know etcd's members, until it is told", async () => {
    await untilFiring(["EtcdMembersUnknown"]);
    await connectEtcd();
    await untilQuiet();
  });

  it("all targets answer", async () => {
    const nodes = of.nodes().length;
    const expected = {
      cadvisor: nodes,
      coredns: 2,
      etcd: 3,
      "kube-apiserver": 3,
      "kube-controller-manager": 3,
      "kube-proxy": nodes,
      "kube-scheduler": 3,
      kubelet: nodes,
      "metrics-server": 2,
      prometheus: 1,
    };
    await until("all targets", { timeout: 3 * minute, pause: 3_000 }, async () => {
      const { activeTargets } = await ask<{
        activeTargets: { labels: { job: string; instance: string }; health: string; lastError: string }[];
      }>("/api/v1/targets?state=active");
      const counts: Record<string, number> = {};
      for (const { labels, health, lastError } of activeTargets) {
        assert.equal(health, "up", `${labels.job} ${labels.instance}: ${lastError}`);
        counts[labels.job] = (counts[labels.job] ?? 0) + 1;
      }
      assert.deepEqual(counts, expected);
    });
  });

  it("every metric of the rules and the dashboard is there", async () => {
    await sleep(25_000);
    const there = new Set(await ask<string[]>("/api/v1/label/__name__/values"));
    const wanted = new Set(expressions(folder).flatMap(metricNames));
    assert.ok(wanted.size > 30);
    const missing = [...wanted].filter((name) => !there.has(name) && !name.startsWith("velero_"));
    // The first comes with the first alarm, of which the tests below make one.
    assert.deepEqual(missing, ["etcd_debugging_server_alarms"]);
  });

  it("is refused what it does not need", async () => {
    const may = async (...what: string[]): Promise<string> =>
      (
        await of.tryKubectl(["auth", "can-i", ...what, "--as=system:serviceaccount:monitoring:prometheus"])
      ).stdout.trim();
    assert.equal(await may("get", "nodes", "--subresource=metrics"), "yes");
    assert.equal(await may("list", "pods", "-n", "kube-system"), "yes");
    for (const what of [
      ["get", "nodes", "--subresource=proxy"],
      ["get", "secrets", "-n", "kube-system"],
      ["list", "pods", "-n", "default"],
      ["create", "pods", "--subresource=proxy", "-n", "kube-system"],
    ])
      assert.equal(await may(...what), "no", what.join(" "));
  });

  it("says that it finds no controllers, when they have lost their label", async () => {
    const controllers = of.machines("controller").map(({ name }) => name);
    await of.kubectl(["label", "nodes", ...controllers, "corekube.io/pool-"]);
    await untilFiring(["TargetsMissing"]);
    await of.kubectl(["label", "nodes", ...controllers, "corekube.io/pool=controller"]);
    await untilQuiet();
  });

  it("a worker and a controller lose power", async () => {
    const off = [of.machines("worker").find(({ name }) => name !== home.name)!, of.machines("controller")[0]!];
    for (const machine of off) await powerOff(of, machine);
    await untilFiring(["NodesNotReady", "TargetUnreachable", "ControlPlaneUnreachable"]);
    for (const machine of off) await powerOn(of, machine);
    await untilQuiet();
  });

  it("the disk of a worker fills, and with it the volumes on it", async () => {
    // 78 %: the kubelet does nothing about it yet.
    const size = "$(( $(df --output=size -B1 / | tail -1) * 78 / 100 - $(df --output=used -B1 / | tail -1) ))";
    await of.inMachine(home, `fallocate -l ${size} /filler`);
    await untilFiring(["NodeDiskFills", "VolumeFills"]);
    await of.inMachine(home, "rm /filler");
    await untilQuiet();
  });

  it("etcd changes its leader again and again", async () => {
    const members = of.machines("etcd");
    const command = `endpoint status --write-out=json --endpoints=${members.map(({ private_ipv4 }) => `https://${private_ipv4}:2379`).join(",")}`;
    type Status = { Endpoint: string; Status: { header: { member_id: number }; leader: number } };
    for (let change = 0; change < 6; change += 1) {
      // Numbers of members are too long for JavaScript's.
      const text = (await onMember(of, members[0]!, command)).replaceAll(/"(member_id|leader)":(\d+)/g, '"$1":"$2"');
      // Besides these, it answers for the member that it is asked on, by its address there.
      const all = (JSON.parse(text) as Status[]).filter(({ Endpoint }) => !Endpoint.includes("127.0.0.1"));
      const isLeader = ({ Status }: Status): boolean => Status.header.member_id === Status.leader;
      const leader = all.find(isLeader)!;
      const next = BigInt(all.find((each) => !isLeader(each))!.Status.header.member_id).toString(16);
      const machine = members.find(({ private_ipv4 }) => leader.Endpoint.includes(`//${private_ipv4}:`))!;
      await onMember(of, machine, `move-leader ${next}`);
      await sleep(11_000);
    }
    await untilFiring(["EtcdLeaderChanges"]);
    await untilQuiet();
  });

  it("a member of etcd loses power, then a second one", async () => {
    const [first, second] = of.machines("etcd");
    await powerOff(of, first!);
    await untilFiring(["EtcdMemberUnreachable"]);
    assert.ok(!(await firing()).has("EtcdQuorumLost"));
    await powerOff(of, second!);
    await untilFiring(["EtcdQuorumLost", "EtcdNoLeader"]);
    for (const machine of [first!, second!]) await powerOn(of, machine);
    await untilQuiet();
    await untilWhole(of, 120);
  });

  it("etcd's database is full", async () => {
    const members = of.machines("etcd");
    await fill(of, members[0]!);
    await untilFiring(["EtcdDatabaseFills", "EtcdNoSpace"]);
    await onMember(of, members[0]!, "del --prefix /filler/");
    // They wait for each other.
    for (const machine of members) await of.inMachine(machine, "systemctl start --no-block corekube-maintain");
    await untilQuiet();
  });

  it("certificates of the cluster end within a day, until a run renews them", async () => {
    const renew = async (): Promise<void> => {
      const args = ["up", "--yes", "--skip-preview", "--replace", "**LocallySignedCert::**"];
      const { code, failure } = await runEngine(config, stack, args, progress);
      assert.equal(code, 0, failure);
      await connectEtcd();
    };
    process.env["COREKUBE_LAB_LEAF_SECONDS"] = "86400";
    try {
      await renew();
    } finally {
      delete process.env["COREKUBE_LAB_LEAF_SECONDS"];
    }
    await untilFiring(["ClientCertificateEnds", "ClientCertificateEndsSoon"]);
    await renew();
    await untilQuiet();
  });
});
