/** Nodes and the pods in kube-system. */
import { expect, type Check } from "../cluster/context.js";
import { until } from "../process/until.js";

interface Node {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly status: {
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    readonly addresses: readonly { readonly type: string; readonly address: string }[];
    readonly nodeInfo: { readonly kubeletVersion: string };
    readonly capacity: Readonly<Record<string, string>>;
  };
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly phase: string;
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly state: { readonly waiting?: { readonly reason: string } };
    }[];
  };
}

/** MemTotal in kB, CPUs online, CPUs in the kernel's tree, size of the kubelet's file system in kB. */
const capacityScript =
  "awk '/^MemTotal:/ { print $2 }' /proc/meminfo; getconf _NPROCESSORS_ONLN; ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l; df --output=size --block-size=1K /var/lib/kubelet | tail -1";

export const nodeChecks: readonly Check[] = [
  {
    name: "every controller and worker is a Node and Ready",
    level: "always",
    run: (context) =>
      until("nodes Ready", { timeout: 120_000 }, async () => {
        const nodes = (await context.kubectlJson<{ items: Node[] }>(["get", "nodes"])).items;
        for (const machine of context.nodes()) {
          const node = nodes.find((item) => item.metadata.name === machine.name);
          expect(
            node !== undefined,
            `${machine.name} is not a Node; Nodes: ${nodes.map((item) => item.metadata.name).join(", ") || "none"}`,
          );
          const ready = node.status.conditions.find((condition) => condition.type === "Ready");
          expect(ready?.status === "True", `${machine.name} is not Ready: ${ready?.message ?? "no Ready condition"}`);
          const role = machine.role === "controller" ? "control-plane" : "worker";
          expect(
            `node-role.kubernetes.io/${role}` in node.metadata.labels,
            `${machine.name} has no role ${role} in \`kubectl get nodes\``,
          );
          const address = node.status.addresses.find((item) => item.type === "InternalIP")?.address;
          expect(
            address === machine.private_ipv4,
            `${machine.name}: InternalIP is ${address ?? "missing"}, expected its private address ${machine.private_ipv4}`,
          );
        }
        const unknown = nodes.filter((node) => !context.nodes().some((machine) => machine.name === node.metadata.name));
        expect(
          unknown.length === 0,
          `Nodes without a machine: ${unknown.map((node) => node.metadata.name).join(", ")}`,
        );
      }),
  },
  {
    name: "every node has the capacity of its machine, and no pressure",
    level: "boot",
    run: async (context) => {
      const nodes = (await context.kubectlJson<{ items: Node[] }>(["get", "nodes"])).items;
      for (const machine of context.nodes()) {
        const node = nodes.find((item) => item.metadata.name === machine.name);
        expect(node !== undefined, `${machine.name} is not a Node`);
        const shown = (await context.inMachine(machine, capacityScript)).trim().split(/\s+/);
        const [memory, online, folders, disk] = shown;
        const expected = { cpu: online, memory: `${memory}Ki`, "ephemeral-storage": `${disk}Ki` };
        expect(
          folders === online,
          `${machine.name}: ${folders} folders of CPUs in /sys/devices/system/cpu, ${online} CPUs online`,
        );
        for (const [resource, value] of Object.entries(expected)) {
          const found = node.status.capacity[resource];
          expect(
            found === value,
            `${machine.name}: the Node's capacity of ${resource} is ${found ?? "missing"}, its machine shows ${value}`,
          );
        }
        const pressure = node.status.conditions.filter(
          ({ type, status }) => type.endsWith("Pressure") && status !== "False",
        );
        expect(
          pressure.length === 0,
          `${machine.name}: ${pressure.map(({ type, message }) => `${type} (${message ?? ""})`).join(", ")}`,
        );
      }
    },
  },
  {
    name: "every pod in kube-system is Running and ready",
    level: "always",
    run: (context) =>
      until("kube-system Running", { timeout: 180_000 }, async () => {
        const pods = (await context.kubectlJson<{ items: Pod[] }>(["get", "pods", "-n", "kube-system"])).items;
        expect(pods.length > 0, "kube-system has no pods");
        const bad = pods.filter(
          (pod) =>
            pod.status.phase !== "Running" || !pod.status.containerStatuses?.every((container) => container.ready),
        );
        const why = (pod: Pod): string => {
          const waiting =
            pod.status.containerStatuses?.flatMap((container) => container.state.waiting?.reason ?? []) ?? [];
          return `${pod.metadata.name} (${[pod.status.phase, ...waiting].join(", ")})`;
        };
        expect(bad.length === 0, `not Running or not ready: ${bad.map(why).join("; ")}`);
      }),
  },
];
