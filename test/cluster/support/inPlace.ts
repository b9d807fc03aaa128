/** Settings that change machines while they run: a value for each, the machines that it reaches, and what shows there that it has. */
import tls from "node:tls";
import { proxyFile, registriesDirectory } from "../../../components/contract/paths.js";
import type { CheckContext } from "../../../lab/cluster/context.js";
import type { Machine } from "../../../lab/engine/outputs.js";

export const roles = ["etcd", "controller", "worker", "public"] as const;
export type Role = Machine["role"];

/** What a command prints on a machine. */
const prints =
  (command: string) =>
  async (context: CheckContext, machine: Machine): Promise<string> =>
    (await context.inMachine(machine, `${command} || true`)).trim();

type Probe = (context: CheckContext, machine: Machine) => Promise<string>;

/** What shows a setting on a machine of a role, and what that is once the setting has reached it. */
export type Shows = Partial<Record<Role, readonly [Probe, RegExp]>>;

interface Change {
  readonly setting: string;
  readonly value: string;
  readonly reaches: readonly Role[];
  readonly shows: Shows;
}

export const flagOf = (program: string, flag: string) =>
  prints(`tr '\\0' '\\n' </proc/$(pidof ${program})/cmdline | grep -- '^${flag}='`);
const memoryOfPods = (context: CheckContext, { name }: Machine): Promise<string> =>
  context.kubectlValue("{.status.allocatable.memory}", "node", name);
const nodePorts = prints("sysctl -n net.ipv4.ip_local_reserved_ports");
const mirror = prints(`grep -h server ${registriesDirectory}/quay.io/hosts.toml`);
const mirrored = [mirror, /quay\.io/] as const;
const proxied = (program: string) => prints(`tr '\\0' '\\n' </proc/$(pidof ${program})/environ | grep '^https_proxy='`);

export const changes: readonly Change[] = [
  {
    setting: "node_port_range",
    value: "30000-31000",
    reaches: ["controller", "worker", "public"],
    shows: {
      controller: [flagOf("kube-apiserver", "--service-node-port-range"), /=30000-31000$/],
      worker: [nodePorts, /^30000-31000$/],
      public: [nodePorts, /^30000-31000$/],
    },
  },
  {
    setting: "reserved_resources.kube_mem",
    value: "2000",
    reaches: ["worker"],
    shows: { worker: [memoryOfPods, /^2000Mi$/] },
  },
  {
    setting: 'mirrors.registries["quay.io"]',
    value: "http://198.18.16.1:5000/quay.io",
    reaches: ["controller", "worker", "public"],
    shows: { controller: mirrored, worker: mirrored, public: mirrored },
  },
  {
    setting: "https_proxy",
    value: "http://proxy.example:3128",
    reaches: roles,
    shows: {
      etcd: [prints(`grep '^https_proxy=' ${proxyFile}`), /=http:\/\/proxy\.example:3128$/],
      controller: [proxied("containerd"), /=http:\/\/proxy\.example:3128$/],
      worker: [proxied("kubelet"), /=http:\/\/proxy\.example:3128$/],
      public: [proxied("containerd"), /=http:\/\/proxy\.example:3128$/],
    },
  },
  {
    setting: "etcd.data_disk",
    value: "4096",
    reaches: ["etcd"],
    shows: {
      etcd: [
        prints("tr '\\0' '\\n' </proc/$(pidof etcd)/environ | grep ^ETCD_QUOTA_BACKEND_BYTES="),
        new RegExp(`=${2048 * 1_000_000}$|=${2048 * 1_048_576}$`),
      ],
    },
  },
  {
    setting: "apiserver.mem",
    value: "900",
    reaches: ["controller"],
    shows: {
      controller: [
        (context) =>
          context.kubectlValue(
            "{.items[0].spec.containers[0].resources.requests.memory}",
            ...["pods", "-n", "kube-system", "-l", "component=kube-apiserver"],
          ),
        /^900M/,
      ],
    },
  },
];

const ofNode =
  (path: string): Probe =>
  (context, { name }) =>
    context.kubectlValue(path, "node", name);
/** Requests and limits of a pod of the control plane. */
const resources =
  (component: string): Probe =>
  async (context) =>
    await context.kubectlValue(
      "{.items[0].spec.containers[0].resources}",
      ...["pods", "-n", "kube-system", "-l", `component=${component}`],
    );
/** What the API says to a pod that the standard `restricted` does not allow and `baseline` does. */
const admission: Probe = async (context) => {
  const args = ["run", "admitted", "--image=busybox", "--dry-run=server", "--namespace=default"];
  const { stdout, stderr } = await context.tryKubectl(args);
  return `${stdout}${stderr}`;
};
/** Names in the API server's certificate. */
const names: Probe = (_context, { public_ipv4: host }) =>
  new Promise((resolve, reject) => {
    const socket = tls.connect({ host, port: 6443, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subjectaltname ?? "");
      socket.destroy();
    });
    socket.on("error", reject);
  });
const timeServers = prints("cat /etc/systemd/timesyncd.conf.d/*.conf");
const timed = [timeServers, /NTP=192\.0\.2\.123/] as const;
const exempt = prints(`grep '^no_proxy=' ${proxyFile}`);
const exempted = [exempt, /192\.0\.2\.0\/24/] as const;

type Setting = Omit<Change, "reaches">;

/** Set in one run: which machines each of them reaches alone is computed in test/component/effects.test.ts. */
export const together: readonly Setting[] = [
  { setting: "node_labels.tier", value: "gold", shows: { worker: [ofNode("{.metadata.labels.tier}"), /^gold$/] } },
  {
    setting: "public_node_labels.tier",
    value: "edge",
    shows: { public: [ofNode("{.metadata.labels.tier}"), /^edge$/] },
  },
  ...["node_taints", "public_node_taints"].flatMap((setting): Setting[] => [
    { setting: `${setting}[0].key`, value: "dedicated", shows: {} },
    { setting: `${setting}[0].value`, value: "tests", shows: {} },
    {
      setting: `${setting}[0].effect`,
      value: "PreferNoSchedule",
      shows: {
        [setting === "node_taints" ? "worker" : "public"]: [
          ofNode("{.spec.taints}"),
          /"effect":"PreferNoSchedule","key":"dedicated","value":"tests"/,
        ],
      },
    },
  ]),
  {
    setting: "reserved_resources.kube_cpus",
    value: "1.9",
    shows: { worker: [ofNode("{.status.allocatable.cpu}"), /^1900m$/] },
  },
  {
    setting: "public_reserved_resources.kube_mem",
    value: "2000",
    shows: { public: [memoryOfPods, /^2000Mi$/] },
  },
  { setting: "apiserver.cpus", value: "0.4", shows: { controller: [resources("kube-apiserver"), /"cpu":"400m"/] } },
  ...(["controller_manager", "scheduler"] as const).flatMap((setting): Setting[] => {
    const probe = resources(`kube-${setting.replace("_", "-")}`);
    return [
      { setting: `${setting}.cpus`, value: "0.4", shows: { controller: [probe, /"cpu":"400m"/] } },
      { setting: `${setting}.mem`, value: "500", shows: { controller: [probe, /"memory":"500Mi?"/] } },
    ];
  }),
  { setting: "etcd.mem", value: "1000", shows: { etcd: [prints("systemctl show etcd -p MemoryMin"), /=1048576000$/] } },
  {
    setting: "pod_security",
    value: "restricted",
    shows: { controller: [admission, /violates PodSecurity "restricted/] },
  },
  { setting: "api_names[0]", value: "api.example.com", shows: { controller: [names, /DNS:api\.example\.com/] } },
  {
    setting: "encryption_key",
    value: "2",
    shows: {
      controller: [(context) => context.kubectlValue("{.metadata.annotations}", "namespace", "kube-system"), /"2"/],
    },
  },
  {
    setting: "ntp_servers[0]",
    value: "192.0.2.123",
    shows: { etcd: timed, controller: timed, worker: timed, public: timed },
  },
  // Without a proxy there are no exceptions either.
  { setting: "https_proxy", value: "http://proxy.example:3128", shows: {} },
  {
    setting: "no_proxy",
    value: "192.0.2.0/24",
    shows: { etcd: exempted, controller: exempted, worker: exempted, public: exempted },
  },
  {
    setting: "log_level",
    value: "WARN",
    shows: {
      etcd: [prints("tr '\\0' '\\n' </proc/$(pidof etcd)/cmdline"), /--log-level=warn/],
      controller: [flagOf("kube-scheduler", "--v"), /=1$/],
    },
  },
];
