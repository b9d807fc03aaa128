/** Load balancers of Services, in clusters with a cloud provider. */
import { lookup } from "node:dns/promises";
import { labCloud } from "../cluster/cloud.js";
import { expect, type Check, type CheckContext } from "../cluster/context.js";
import { get } from "../cluster/network.js";
import { settingOf } from "../engine/settings.js";
import { until } from "../process/until.js";
import { balancerTargets, type TargetState } from "../region/balancers.js";
import { namespace } from "./workload.js";

interface Balanced {
  readonly name: string;
  readonly policy: "Cluster" | "Local";
  /** Different for each, so that it identifies the Service among the region's load balancers. */
  readonly port: number;
}

const services: readonly Balanced[] = [
  { name: "corekube-check-cluster", policy: "Cluster", port: 8081 },
  { name: "corekube-check-local", policy: "Local", port: 8082 },
];

/** Requests one after the other: more than there are workers, so that each that gets connections gets one. */
const requests = 12;

/** Its pod is on the first worker only. */
const service = ({ name, policy, port }: Balanced): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: {
    type: "LoadBalancer",
    externalTrafficPolicy: policy,
    selector: { app: "web-0" },
    ports: [{ name: "http", port, targetPort: 80 }],
  },
});

/** Address of a load balancer. @throws Error while there is none. */
async function addressOf(context: CheckContext, { name }: Balanced): Promise<string> {
  const found = await context.kubectlJson<{
    status: { loadBalancer: { ingress?: readonly { ip?: string; hostname?: string }[] } };
  }>(["get", "service", name, "-n", namespace]);
  const [ingress] = found.status.loadBalancer.ingress ?? [];
  expect(ingress !== undefined, `Service ${name} has no load balancer yet`);
  if (ingress.ip !== undefined) return ingress.ip;
  return (await lookup(ingress.hostname!, 4)).address;
}

const targetsOf = async (context: CheckContext, { port }: Balanced): Promise<TargetState[]> =>
  (await balancerTargets(context.config)).filter(({ backend }) => backend.endsWith(`-${port}`));

/** Names of the machines to which it sends connections, once its health checks have decided. */
async function healthyTargets(
  context: CheckContext,
  balanced: Balanced,
): Promise<{ all: string[]; healthy: string[] }> {
  const machines = await labCloud(context.config).machines();
  const targets = await targetsOf(context, balanced);
  const undecided = targets.filter(({ settled }) => !settled);
  expect(
    targets.length > 0 && undecided.length === 0,
    `${balanced.name}: ${undecided.length} of ${targets.length} targets are not decided yet`,
  );
  const names = (of: readonly TargetState[]): string[] =>
    of
      .map(({ machineId }) => machines.find(({ number }) => number === machineId)?.name ?? `machine ${machineId}`)
      .sort();
  return { all: names(targets), healthy: names(targets.filter(({ healthy }) => healthy)) };
}

async function answers(context: CheckContext, balanced: Balanced): Promise<void> {
  const workers = context
    .machines()
    .filter(({ role }) => role === "worker" || role === "public")
    .map(({ name }) => name)
    .sort();
  const expected = balanced.policy === "Cluster" ? workers : workers.filter((name) => name.endsWith("-worker-0"));
  const address = await until(`load balancer of Service ${balanced.name}`, { timeout: 90_000 }, () =>
    addressOf(context, balanced),
  );
  await until(`healthy targets of ${balanced.name}`, { timeout: 120_000 }, async () => {
    const { all, healthy } = await healthyTargets(context, balanced);
    expect(
      all.join() === workers.join(),
      `${address} has the targets ${all.join(", ")}, expected ${workers.join(", ")}`,
    );
    expect(
      healthy.join() === expected.join(),
      `${address} finds healthy: ${healthy.join(", ") || "none"}; expected ${expected.join(", ")}`,
    );
  });
  for (let index = 0; index < requests; index++) {
    const { status, body } = await get(`http://${address}:${balanced.port}`, { from: context.config.strangerAddress });
    expect(
      status === 200 && body.includes("Welcome to nginx"),
      `request ${index + 1} to ${address}:${balanced.port}: status ${status}: ${body.slice(0, 200)}`,
    );
  }
}

export const balancerChecks: readonly Check[] = [
  {
    name: "Services of type LoadBalancer answer from outside with either externalTrafficPolicy, and give their load balancers back",
    level: "boot",
    applies: ({ config, stack }) =>
      !["none", undefined].includes(settingOf(config, stack, "corekube:cloud_provider") as string),
    run: async (context) => {
      await context.apply(...services.map(service));
      try {
        await Promise.all(services.map((balanced) => answers(context, balanced)));
      } finally {
        for (const { name } of services)
          await context.kubectl(["delete", "service", name, "-n", namespace, "--wait", "--timeout=120s"], {
            timeout: 150_000,
          });
      }
      await until("removal of the load balancers", { timeout: 60_000 }, async () => {
        const left = (await Promise.all(services.map((balanced) => targetsOf(context, balanced)))).flat();
        expect(left.length === 0, `still there: ${left.map(({ backend }) => backend).join(", ")}`);
      });
    },
  },
];
