/** Allocatable resources, labels, taints and open ports of the node pools. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { until } from "../process/until.js";
import { settingsFile } from "../engine/settings.js";
import { expect, type Check, type CheckContext } from "../cluster/context.js";
import { answers, get } from "../cluster/network.js";
import { hasIngress, hostPort } from "./workload.js";

interface Node {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  };
  readonly status: { readonly allocatable: Readonly<Record<"cpu" | "memory" | "ephemeral-storage", string>> };
}

type Reservation = Partial<Record<"kube_cpus" | "kube_mem" | "kube_disk", number>>;

/** Defaults of the configuration reference. */
const usual = { kube_cpus: 2, kube_mem: 2048, kube_disk: 10_240 };

const pools = {
  worker: ["reserved_resources", "node_size"],
  public: ["public_reserved_resources", "public_node_size"],
} as const;

/** What each node of the role must offer; undefined where the settings leave it to the machine. */
function asked(context: CheckContext, role: keyof typeof pools): Required<Reservation> | undefined {
  const { config } = parse(readFileSync(settingsFile(context.config, context.stack), "utf8")) as {
    config: Record<string, unknown>;
  };
  const [reservation, size] = pools[role];
  const given = (config[`corekube:${reservation}`] ?? {}) as Reservation;
  return config[`corekube:${size}`] ? undefined : { ...usual, ...given };
}

/** A quantity in units of one; memory and disk in bytes. */
function quantity(text: string): number {
  const [, number = "", unit = ""] = /^([0-9.]+)([a-zA-Z]*)$/.exec(text) ?? [];
  const factor = { "": 1, m: 0.001, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }[unit];
  if (factor === undefined || number === "")
    throw new Error(`quantity: got "${text}", expected a number with m, k, M, G, Ki, Mi or Gi`);
  return Number(number) * factor;
}

const megabyte = 2 ** 20;

export const poolChecks: readonly Check[] = [
  {
    name: "workers offer pods what the settings ask for, to the MB",
    level: "always",
    run: async (context) => {
      const nodes = (await context.kubectlJson<{ items: Node[] }>(["get", "nodes"])).items;
      for (const role of ["worker", "public"] as const) {
        const wanted = asked(context, role);
        for (const { name } of wanted ? context.machines(role) : []) {
          const allocatable = nodes.find((node) => node.metadata.name === name)?.status.allocatable;
          expect(allocatable !== undefined && wanted !== undefined, `${name} is not a Node`);
          const cpus = quantity(allocatable.cpu);
          expect(
            cpus === wanted.kube_cpus,
            `${name}: allocatable CPUs are ${allocatable.cpu}, expected ${wanted.kube_cpus}`,
          );
          for (const [key, want] of [
            ["memory", wanted.kube_mem],
            ["ephemeral-storage", wanted.kube_disk],
          ] as const) {
            const got = quantity(allocatable[key]) / megabyte;
            expect(
              Math.abs(got - want) < 1,
              `${name}: allocatable ${key} is ${allocatable[key]} (${got.toFixed(2)} MB), expected ${want} MB`,
            );
          }
        }
      }
    },
  },
  {
    name: "public workers have the label and taint of their pool, other nodes have not",
    level: "always",
    run: async (context) => {
      const nodes = (await context.kubectlJson<{ items: Node[] }>(["get", "nodes"])).items;
      for (const { name, role } of context.nodes()) {
        const node = nodes.find((item) => item.metadata.name === name);
        const label = node?.metadata.labels["corekube.io/pool"];
        expect(label === role, `${name}: label corekube.io/pool is ${label ?? "missing"}, expected ${role}`);
        const taint = node?.spec.taints?.find(({ key }) => key === "corekube.io/pool");
        const found = taint ? `${taint.value ?? ""}:${taint.effect}` : "none";
        expect(
          found === (role === "public" ? "public:NoSchedule" : "none"),
          `${name}: taint corekube.io/pool is ${found}`,
        );
      }
    },
  },
  {
    name: "public workers answer everyone on port 80, private ones only administrators",
    level: "boot",
    applies: (context) => context.machines("public").length > 0,
    run: async (context) => {
      const { adminAddress, strangerAddress } = context.config;
      // The add-on for Ingresses knows none for the address: it redirects, or says that there is nothing.
      const expected = hasIngress(context) ? [301, 404] : [200];
      for (const { name, public_ipv4: address } of context.machines("public")) {
        await until(`port ${hostPort} of ${name}`, { timeout: 30_000 }, async () => {
          for (const from of [adminAddress, strangerAddress]) {
            const { status } = await get(`http://${address}:${hostPort}`, { from });
            expect(expected.includes(status), `${name}: port ${hostPort} answered ${from} with ${status}`);
          }
        });
      }
      for (const { name, public_ipv4: address } of context.machines("worker")) {
        for (const port of [22, hostPort, 443]) {
          expect(
            !(await answers(address, port, strangerAddress, 1000)),
            `${name}: port ${port} is open to ${strangerAddress}`,
          );
        }
      }
    },
  },
];
