/** `make status`: the region, the cluster, and what is wrong. */
import { existsSync } from "node:fs";
import { checksOf, runChecks } from "../checks/index.js";
import { cloudOf } from "../clouds/index.js";
import type { LabConfig } from "../config.js";
import { daemonStatus } from "../daemon-control.js";
import { regionExists } from "../region/region.js";
import { readOutputs, type ClusterOutputs } from "../engine/outputs.js";
import { onMachine } from "../cluster/ssh.js";
import { tryRun } from "../process/run.js";
import { childEnvironment, kubeconfigFile, stackExists } from "../engine/stack.js";
import { table } from "../../engine/table.js";

interface Node {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
    readonly nodeInfo: { readonly kubeletVersion: string };
  };
}

interface SigningRequest {
  readonly metadata: { readonly name: string; readonly creationTimestamp: string };
  readonly spec: { readonly signerName: string; readonly username?: string };
  readonly status?: { readonly conditions?: readonly unknown[] };
}

/** Objects of a kind; none when the API does not answer. */
async function list<Item>(config: LabConfig, stack: string, kind: string): Promise<readonly Item[]> {
  const result = await tryRun(["kubectl", "get", kind, "-o", "json", "--request-timeout", "10s"], {
    env: { ...childEnvironment(config, stack), KUBECONFIG: kubeconfigFile(config) },
    timeout: 20_000,
  });
  return result.code === 0 ? (JSON.parse(result.stdout) as { items: Item[] }).items : [];
}

/** Seconds after which the controllers have decided about a request for a kubelet's serving certificate, or never will. */
const decidedAfter = 60;

/** A line with the next command for each request that the controllers left pending. */
export function pendingRequests(requests: readonly SigningRequest[], now = new Date()): readonly string[] {
  return requests
    .filter(
      ({ metadata, spec, status }) =>
        spec.signerName === "kubernetes.io/kubelet-serving" &&
        (status?.conditions ?? []).length === 0 &&
        now.getTime() - Date.parse(metadata.creationTimestamp) > decidedAfter * 1000,
    )
    .map(
      ({ metadata: { name }, spec: { username = "nobody" } }) =>
        `serving certificate of ${username} not decided: see kubectl describe csr ${name}, then kubectl certificate approve ${name}, or deny`,
    );
}

/** One line per machine: role, addresses, id, and its Node's state. */
export async function nodeTable(config: LabConfig, stack: string, outputs: ClusterOutputs): Promise<string> {
  const known = await list<Node>(config, stack, "nodes");
  const rows = outputs.machines.map((machine) => {
    const node = known.find((item) => item.metadata.name === machine.name);
    const ready = node?.status.conditions.find((condition) => condition.type === "Ready")?.status === "True";
    const state = machine.role === "etcd" ? "-" : node ? (ready ? "Ready" : "NotReady") : "no Node";
    return [
      machine.name,
      machine.role,
      state,
      node?.status.nodeInfo.kubeletVersion ?? "-",
      machine.public_ipv4,
      machine.private_ipv4,
      machine.id,
    ];
  });
  return table([["MACHINE", "ROLE", "NODE", "VERSION", "PUBLIC", "PRIVATE", "ID"], ...rows]);
}

/** Failed units of a machine with their last log lines, from its own health report; undefined when it is healthy. */
async function complaint(
  config: LabConfig,
  outputs: ClusterOutputs,
  machine: ClusterOutputs["machines"][number],
): Promise<string | undefined> {
  const health = await onMachine(config, outputs, machine, "sudo /opt/corekube/bin/health", 30_000);
  if (health.code === 0) return undefined;
  const report = await onMachine(config, outputs, machine, "sudo /opt/corekube/bin/report", 30_000);
  return [
    `${machine.name}: ${(health.stderr || health.stdout).trim() || `unreachable (exit code ${health.code})`}`,
    report.stdout.trim(),
  ]
    .filter(Boolean)
    .join("\n");
}

/** Prints the status and returns the exit code: 0 only when nothing is wrong. */
export async function status(config: LabConfig, stack: string): Promise<number> {
  const say = (text: string): void => {
    process.stdout.write(`${text}\n`);
  };
  const region = await regionExists(config);
  const daemon = daemonStatus(config);
  say(
    `region ${config.name}: ${region ? `network namespace ${config.namespace}, public ${config.publicCidr}` : "does not exist"}`,
  );
  say(
    `daemon: ${daemon.state === "stopped" ? "not running" : `${daemon.state} (pid ${daemon.pid}), API ${config.apiUrl}, mirror ${config.mirrorUrl}, registry ${config.registryUrl}`}`,
  );
  const cloud = cloudOf(config);
  if (cloud.status) say(`${cloud.name}: ${region ? cloud.status(config) : "does not exist"}`);
  if (region && cloud.lost(config) !== undefined) return 1;
  if (!region || daemon.state !== "serving") {
    say(
      `what to do: make up${stackExists(config, stack) ? " (the stack exists; its machines are started again)" : ""}`,
    );
    return 1;
  }
  const machines = await cloud.client(config).machines();
  say(
    `machines: ${machines.length}${machines.length > 0 ? `; ${machines.map(({ name, status: state }) => `${name} ${state}`).join(", ")}` : ""}`,
  );
  if (!stackExists(config, stack) || !existsSync(kubeconfigFile(config))) {
    say('cluster: none yet; "make up" creates it');
    return 1;
  }
  const outputs = await readOutputs(config, stack);
  say(`\n${await nodeTable(config, stack, outputs)}\n\nendpoint: ${outputs.endpoint}`);
  const outdated = outputs.machines.filter((machine) => machine.up_to_date === false).map(({ name }) => name);
  if (outdated.length > 0)
    say(
      `\nwith another configuration than the last run's settings say: ${outdated.join(", ")}; "pulumi preview --diff" says in what they differ, "pulumi up" changes them`,
    );
  const complaints = (await Promise.all(outputs.machines.map((machine) => complaint(config, outputs, machine)))).filter(
    (text) => text !== undefined,
  );
  const pending = pendingRequests(await list<SigningRequest>(config, stack, "certificatesigningrequests"));
  const results = await runChecks(config, stack, outputs, "always", { report: () => undefined });
  const failed = results.filter((result) => result.failure !== undefined);
  if (complaints.length + pending.length + failed.length === 0) {
    say(`healthy (${checksOf("always").length} checks passed; "make check" runs all checks)`);
    return 0;
  }
  say("\nProblems:");
  for (const text of [...complaints, ...pending]) say(text);
  for (const result of failed) say(`- ${result.name}: ${result.failure ?? ""}`);
  return 1;
}
