/** Whether a highly available cluster is healthy: every etcd member, every API server, every node. */
import { z } from "zod";
import { expect, type CheckContext } from "../../../lab/cluster/context.js";
import { get } from "../../../lab/cluster/network.js";
import type { Machine } from "../../../lab/engine/outputs.js";
import { until } from "../../../lab/process/until.js";

/** Port of the API servers and of their load balancers. */
export const apiPort = 6443;

/** etcd's own client on a member, with the member's certificates. */
const etcdctl =
  "/opt/bin/etcdctl --cacert /run/corekube/etcd/etcd-ca.crt --cert /run/corekube/etcd/server.crt --key /run/corekube/etcd/server.key --endpoints https://127.0.0.1:2379";

const membersSchema = z.object({
  members: z.array(
    z.object({
      ID: z.union([z.number(), z.string()]),
      name: z.string().default(""),
      peerURLs: z.array(z.string()).default([]),
      clientURLs: z.array(z.string()).default([]),
      isLearner: z.boolean().default(false),
    }),
  ),
});

const healthSchema = z.array(z.object({ endpoint: z.string(), health: z.boolean(), error: z.string().optional() }));
const statusSchema = z.array(
  z.object({ Status: z.object({ header: z.object({ member_id: z.unknown() }), leader: z.unknown() }) }),
);

/** Runs etcdctl on a member and returns its output even when it fails: `endpoint health` reports that way. */
async function onMember(context: CheckContext, machine: Machine, command: string): Promise<string> {
  const result = await context.tryInMachine(machine, `${etcdctl} ${command}`, 20_000);
  if (result.stdout.trim() === "")
    throw new Error(
      `etcdctl ${command} on ${machine.name}: ${result.stderr.trim().slice(-300) || `exit code ${result.code}`}`,
    );
  return result.stdout;
}

/** The machine of the leading member. @throws Error when no member leads. */
export async function leader(context: CheckContext): Promise<Machine> {
  for (const machine of context.machines("etcd")) {
    const [status] = statusSchema.parse(
      JSON.parse(await onMember(context, machine, "endpoint status --write-out json")),
    );
    if (status && status.Status.header.member_id === status.Status.leader) return machine;
  }
  throw new Error("etcd: no member is the leader");
}

/** Number of keys below a prefix in each member's own data (not linearized). */
export async function keysOnMembers(context: CheckContext, prefix: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const machine of context.machines("etcd")) {
    const text = await onMember(
      context,
      machine,
      `get --prefix '${prefix}' --consistency s --count-only --write-out fields`,
    );
    counts[machine.name] = Number(/"Count" : (\d+)/.exec(text)?.[1] ?? Number.NaN);
  }
  return counts;
}

/**
 * Each member is asked on its own machine: the firewall closes the client port to other members.
 * @throws Error that names a member that is missing, unhealthy, or not at the address of its machine.
 */
async function expectEtcd(context: CheckContext): Promise<void> {
  const machines = context.machines("etcd");
  expect(machines.length > 0, "the cluster has no etcd machine");
  await together(
    machines.map(async (machine) => {
      const text = await onMember(
        context,
        machine,
        `member list --write-out json && ${etcdctl} endpoint health --write-out json`,
      );
      const [list = "", health = ""] = text.trim().split("\n");
      const known = membersSchema.parse(JSON.parse(list)).members;
      const names = known.map((member) => member.name || `(not started: ${member.peerURLs.join(" ")})`).sort();
      expect(
        names.join(" ") ===
          machines
            .map((item) => item.name)
            .sort()
            .join(" "),
        `etcd members as ${machine.name} knows them: ${names.join(", ")}`,
      );
      for (const other of machines) {
        const member = known.find((item) => item.name === other.name);
        const urls = [...(member?.peerURLs ?? []), ...(member?.clientURLs ?? [])];
        expect(
          urls.length === 2 && urls.every((url) => new URL(url).hostname === other.private_ipv4),
          `etcd member ${other.name}, as ${machine.name} knows it, is at ${urls.join(" ")}; its machine is at ${other.private_ipv4}`,
        );
        expect(!member?.isLearner, `etcd member ${other.name} is a learner`);
      }
      const [state] = healthSchema.parse(JSON.parse(health || "[]"));
      expect(state?.health === true, `etcd member ${machine.name} is not healthy: ${state?.error ?? "no answer"}`);
    }),
  );
}

/** @throws Error that names the API server that is not ready. */
async function expectApiServers(context: CheckContext): Promise<void> {
  await together(
    context.machines("controller").map(async (machine) => {
      // Through SSH: the firewall admits only load balancers and machines of the cluster.
      const answer = await context.tryInMachine(
        machine,
        `curl --silent --max-time 5 --cacert /etc/corekube/secrets/ca.crt https://127.0.0.1:${apiPort}/readyz`,
        20_000,
      );
      expect(
        answer.stdout.trim() === "ok",
        `API server of ${machine.name}: ${(answer.stdout || answer.stderr).trim().slice(-200) || "no answer"}`,
      );
    }),
  );
  const through = await get(`${context.outputs.endpoint}/readyz`, { ca: context.outputs.caCertificate });
  expect(through.status === 200, `API through the load balancer: ${through.status}`);
}

interface Listed {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec?: { readonly renewTime?: string };
    readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
  }[];
}

/** Seconds after which a node's lease counts as not renewed: kubelets renew every 10 s. */
const leaseAge = 25;

/** @throws Error that names a node that is not Ready or whose heartbeat is old. */
async function expectNodes(context: CheckContext): Promise<void> {
  const [nodes, leases] = (await Promise.all(
    [["nodes"], ["leases", "-n", "kube-node-lease"]].map(
      async (what) => (await context.kubectlJson<Listed>(["get", ...what, "--request-timeout=5s"])).items,
    ),
  )) as [Listed["items"], Listed["items"]];
  for (const machine of context.nodes()) {
    const node = nodes.find((item) => item.metadata.name === machine.name);
    const ready = node?.status?.conditions?.find((condition) => condition.type === "Ready")?.status;
    expect(ready === "True", `node ${machine.name}: Ready is ${ready ?? "missing"}`);
    // A node that is gone stays Ready until the controller manager has missed it for a while.
    const renewed = leases.find((item) => item.metadata.name === machine.name)?.spec?.renewTime;
    const age = renewed === undefined ? Number.POSITIVE_INFINITY : (Date.now() - Date.parse(renewed)) / 1000;
    expect(age < leaseAge, `node ${machine.name}: its lease was renewed ${Math.round(age)} s ago`);
  }
}

/** @throws Error with the first thing that is not as it should be. */
async function expectWhole(context: CheckContext): Promise<void> {
  await together([expectEtcd(context), expectApiServers(context), expectNodes(context)]);
}

/** Waits for all of them. @throws the first error. */
async function together(tries: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(tries)) if (result.status === "rejected") throw result.reason;
}

/**
 * Waits until the cluster is healthy, and reports what is not.
 * @param limit Seconds.
 * @returns milliseconds that it took.
 * @throws Error with what is not healthy after `limit`.
 */
export async function untilWhole(context: CheckContext, limit: number): Promise<number> {
  const began = Date.now();
  let reported = "";
  await until("the cluster is healthy", { timeout: limit * 1000, pause: 1_000 }, async () => {
    try {
      await expectWhole(context);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== reported) context.progress.report(`not healthy yet: ${why.slice(0, 200)}`);
      reported = why;
      throw error;
    }
  });
  return Date.now() - began;
}
