/** Which ports of the machines answer from outside. The ports are repeated here on purpose: the check is independent of the program. */
import type { Machine } from "../engine/outputs.js";
import { expect, type Check, type CheckContext } from "../cluster/context.js";
import { openPorts } from "../cluster/network.js";

interface Range {
  readonly from: number;
  readonly to: number;
}

const single = (port: number): Range => ({ from: port, to: port });
const nodePorts: Range = { from: 30000, to: 32767 };

/** Ports that must be the only ones to answer to the administrator (`admin_cidrs`), by role. */
const forAdministrator: Readonly<Record<Machine["role"], readonly Range[]>> = {
  etcd: [single(22)],
  controller: [single(22), single(6443)],
  worker: [single(22), single(80), single(443), nodePorts],
  public: [single(22), single(80), single(443), nodePorts],
};

/** Ports that must be the only ones to answer to everyone. */
const forEveryone = (role: Machine["role"]): readonly Range[] => (role === "public" ? [single(80), single(443)] : []);

const inRanges = (port: number, ranges: readonly Range[]): boolean =>
  ranges.some(({ from, to }) => port >= from && port <= to);

/** Ports on which something listens inside the machine, on any address. */
async function listening(context: CheckContext, machine: Machine): Promise<number[]> {
  const output = await context.inMachine(machine, "ss -Hltn");
  const ports = output.split("\n").flatMap((line) => /:(\d+)\s/.exec(line)?.[1] ?? []);
  return [...new Set(ports.map(Number))];
}

function* every(): Generator<number> {
  for (let port = 1; port <= 65535; port++) yield port;
}

/** Other machines cannot be reached from outside. */
const withPublicAddress = (context: CheckContext): readonly Machine[] =>
  context.outputs.machines.filter((machine) => machine.public_ipv4 !== "");

export const portChecks: readonly Check[] = [
  {
    name: "ports on which something listens answer from outside only where they are meant to",
    level: "full",
    run: async (context) => {
      const problems: string[] = [];
      for (const machine of withPublicAddress(context)) {
        const inside = await listening(context, machine);
        expect(inside.includes(22), `${machine.name}: nothing listens on port 22, so this check cannot be trusted`);
        for (const [who, from, allowed] of [
          ["the administrator", context.config.adminAddress, forAdministrator[machine.role]],
          ["a stranger", context.config.strangerAddress, forEveryone(machine.role)],
        ] as const) {
          const open = await openPorts(machine.public_ipv4, inside, from, { timeout: 2000, width: 64 });
          const bad = open.filter((port) => !inRanges(port, allowed));
          if (bad.length > 0) problems.push(`${machine.name}: ${bad.join(", ")} to ${who} (${from})`);
        }
      }
      expect(problems.length === 0, `open, but not meant to be: ${problems.join("; ")}`);
    },
  },
  {
    name: "of all 65,535 ports of each machine none answers to a stranger, but 80 and 443 of public workers",
    level: "full",
    run: async (context) => {
      const problems: string[] = [];
      for (const machine of withPublicAddress(context)) {
        context.progress.report(`trying every port of ${machine.name}`);
        const answering = await openPorts(machine.public_ipv4, every(), context.config.strangerAddress, {
          timeout: 700,
          width: 3000,
        });
        const open = answering.filter((port) => !inRanges(port, forEveryone(machine.role)));
        if (open.length > 0) problems.push(`${machine.name}: ${open.join(", ")}`);
      }
      expect(problems.length === 0, `open to ${context.config.strangerAddress}: ${problems.join("; ")}`);
    },
  },
];
