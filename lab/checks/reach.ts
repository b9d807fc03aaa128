/** What pods reach on other machines: kubelets, node ports, metrics. Asked from the network of a pod, with the machine's curl. */
import { quote } from "../process/quote.js";
import { until } from "../process/until.js";
import type { Machine } from "../engine/outputs.js";
import { expect, type Check, type CheckContext } from "../cluster/context.js";
import { nodePort } from "./traffic.js";
import { namespace } from "./workload.js";

const account = "metrics-reader";

/** Roles as docs/monitoring.md gives them to a Prometheus. */
const rights = (): readonly object[] => {
  const subjects = [{ kind: "ServiceAccount", name: account, namespace }];
  const binding = (kind: "ClusterRole" | "Role", role: string): object => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: `${kind}Binding`,
    metadata: {
      name: `corekube-check-${role.replaceAll(":", "-")}`,
      ...(kind === "Role" ? { namespace: proxied } : {}),
    },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: role },
    subjects,
  });
  const role = (kind: "ClusterRole" | "Role", name: string, resource: string): object => ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind,
    metadata: { name, ...(kind === "Role" ? { namespace: proxied } : {}) },
    rules: [{ apiGroups: [""], resources: [resource], verbs: ["get"] }],
  });
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account, namespace } },
    binding("ClusterRole", "system:monitoring"),
    role("ClusterRole", "corekube-check-kubelets", "nodes/metrics"),
    binding("ClusterRole", "corekube-check-kubelets"),
    role("Role", "corekube-check-proxied", "pods/proxy"),
    binding("Role", "corekube-check-proxied"),
  ];
};
const proxied = "kube-system";

/** Runs a command of the machine in the network of a pod of the check's on a worker. */
function fromPod(context: CheckContext, worker: Machine, command: string): Promise<string> {
  const inside = `pid=$(pgrep -xo -f 'sleep 86400') && nsenter --target "$pid" --net -- bash -c ${quote(command)}`;
  return context.inMachine(worker, inside, 120_000);
}

interface Question {
  readonly what: string;
  readonly url: string;
  /** Further arguments of curl. */
  readonly with?: string;
  /** HTTP status, or 000 for no answer. */
  readonly expected: string;
  /** Text that a good answer has. */
  readonly contains?: string;
}

/** Asks all at once from a pod on the worker. @returns what was answered otherwise. */
async function wrongAnswers(context: CheckContext, worker: Machine, questions: readonly Question[]): Promise<string[]> {
  const command = questions
    .map(
      ({ url, with: further = "", contains = "" }) =>
        `{ body=$(curl -s ${further.includes("--cacert") ? "" : "-k "}-m 5 -w '\\n%{http_code}' ${further} ${quote(url)}); echo "$(tail -n 1 <<<"$body") $(grep -c ${quote(contains)} <<<"$body")"; } || true`,
    )
    .join("\n");
  const answers = (await fromPod(context, worker, command)).trim().split("\n");
  return questions.flatMap(({ what, url, expected, contains }, index) => {
    const [status = "nothing", lines = "0"] = (answers[index] ?? "").split(" ");
    if (status !== expected) return [`${what} (${url}): answered ${status}, expected ${expected}`];
    return contains !== undefined && lines === "0" ? [`${what} (${url}): the answer lacks ${contains}`] : [];
  });
}

async function ask(context: CheckContext, worker: Machine, questions: readonly Question[]): Promise<void> {
  await until(`answers to a pod on ${worker.name}`, { timeout: 40_000 }, async () => {
    const wrong = await wrongAnswers(context, worker, questions);
    expect(wrong.length === 0, `to a pod on ${worker.name}: ${wrong.join("; ")}`);
  });
}

const worker = (context: CheckContext): Machine => {
  const [first] = context.machines("worker");
  expect(first !== undefined, "the cluster has no worker");
  return first;
};

/** Files for curl in /dev/shm of the worker, removed afterwards. */
async function withFiles(
  context: CheckContext,
  machine: Machine,
  files: Readonly<Record<string, string>>,
  action: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = (await context.inMachine(machine, "mktemp -d -p /dev/shm")).trim();
  try {
    for (const [name, base64] of Object.entries(files))
      await context.inMachine(machine, `base64 -d >${folder}/${name}`, 60_000, base64);
    await action(folder);
  } finally {
    await context.inMachine(machine, `rm -rf ${folder}`);
  }
}

export const reachChecks: readonly Check[] = [
  {
    name: "a pod reaches every node port of every node, and the kubelet of every node, which wants credentials",
    level: "boot",
    run: async (context) => {
      const from = worker(context);
      await ask(
        context,
        from,
        context.nodes().flatMap(({ name, private_ipv4 }) => [
          {
            what: `node port of ${name}`,
            url: `http://${private_ipv4}:${nodePort}/`,
            expected: "200",
            contains: "Welcome to nginx",
          },
          { what: `kubelet of ${name}`, url: `https://${private_ipv4}:10250/metrics`, expected: "401" },
        ]),
      );
    },
  },
  {
    name: "a service account with the right reads the metrics of kubelets, controller managers, schedulers, API servers and kube-proxies",
    level: "full",
    run: async (context) => {
      const from = worker(context);
      await context.apply(...rights());
      const token = (await context.kubectl(["create", "token", account, "-n", namespace, "--duration=10m"])).trim();
      const header = Buffer.from(`Authorization: Bearer ${token}`).toString("base64");
      try {
        await withFiles(context, from, { header }, async (folder) => {
          const authorized = { with: `-H @${folder}/header --cacert /etc/corekube/secrets/ca.crt`, expected: "200" };
          const controllers = context.machines("controller").flatMap(({ name, private_ipv4 }): Question[] =>
            (
              [
                ["controller manager", 10257, "workqueue_depth"],
                ["scheduler", 10259, "scheduler_pending_pods"],
                ["API server", 6443, "apiserver_request_total"],
              ] as const
            ).flatMap(([what, port, contains]) => {
              const url = `https://${private_ipv4}:${port}/metrics`;
              return [
                { what: `${what} of ${name}`, url, ...authorized, contains },
                { what: `${what} of ${name} without a token`, url, expected: port === 6443 ? "401" : "403" },
              ];
            }),
          );
          const kubelets = context.nodes().map(({ name, private_ipv4 }) => ({
            what: `kubelet of ${name}`,
            url: `https://${private_ipv4}:10250/metrics`,
            ...authorized,
            contains: "kubelet_running_pods",
          }));
          const pods = await context.kubectlJson<{
            items: { metadata: { name: string }; spec: { nodeName: string } }[];
          }>(["get", "pods", "-n", proxied, "-l", "k8s-app=kube-proxy"]);
          const api = context.machines("controller")[0]!.private_ipv4;
          const proxies = pods.items.flatMap(({ metadata, spec }): Question[] => {
            const node = context.nodes().find(({ name }) => name === spec.nodeName);
            const direct = {
              what: `kube-proxy of ${spec.nodeName} without the API server`,
              url: `http://${node?.private_ipv4}:10249/metrics`,
              expected: "000",
            };
            return [
              {
                what: `kube-proxy of ${spec.nodeName}`,
                url: `https://${api}:6443/api/v1/namespaces/${proxied}/pods/${metadata.name}:10249/proxy/metrics`,
                ...authorized,
                contains: "kubeproxy_sync_proxy_rules",
              },
              ...(node?.name === from.name ? [] : [direct]),
            ];
          });
          await ask(context, from, [...controllers, ...kubelets, ...proxies]);
        });
      } finally {
        const named = rights().map(
          (object) => object as { kind: string; metadata: { name: string; namespace?: string } },
        );
        for (const { kind, metadata } of named)
          await context.kubectl([
            "delete",
            kind,
            metadata.name,
            "-n",
            metadata.namespace ?? "default",
            "--ignore-not-found",
          ]);
      }
    },
  },
  {
    name: "etcd's metrics answer to pods with the certificate of the Secret etcd-metrics only, and its data not at all",
    level: "full",
    run: async (context) => {
      const from = worker(context);
      const { data } = await context.kubectlJson<{ data: Record<string, string> }>([
        "get",
        "secret",
        "etcd-metrics",
        "-n",
        "kube-system",
      ]);
      await withFiles(context, from, data, async (folder) => {
        const certificate = `--cacert ${folder}/ca.crt --cert ${folder}/tls.crt --key ${folder}/tls.key`;
        await ask(
          context,
          from,
          context.machines("etcd").flatMap(({ name, private_ipv4 }) => [
            {
              what: `metrics of ${name}`,
              url: `https://${private_ipv4}:2381/metrics`,
              with: certificate,
              expected: "200",
              contains: "etcd_server_has_leader 1",
            },
            { what: `metrics of ${name} without it`, url: `https://${private_ipv4}:2381/metrics`, expected: "000" },
            {
              what: `data of ${name}`,
              url: `https://${private_ipv4}:2379/version`,
              with: certificate,
              expected: "000",
            },
          ]),
        );
      });
    },
  },
];
