/**
 * Machines, volumes and load balancers of a highly available cluster that somebody deleted in the cloud: each machine, each pair of the
 * control plane for which both quorums hold, and with the address given to somebody else's machine.
 */
import assert from "node:assert/strict";
import { config } from "../region.js";
import { recoveryOf } from "./support.js";

const three = [0, 1, 2];
const machine = (role: string, index: number): string => `kubernetes-${role}-${index}`;

/** Something else's machine in the cluster's network, under the address that became free last. */
async function stranger(name: string): Promise<void> {
  const headers = { authorization: `Bearer ${config.token}`, "content-type": "application/json" };
  const ask = async (path: string, init: RequestInit = {}): Promise<Record<string, Record<string, unknown>[]>> => {
    const answer = await fetch(`${config.apiUrl}${path}`, { headers, ...init });
    assert.ok(answer.ok, `${path}: ${answer.status}`);
    return (await answer.json()) as Record<string, Record<string, unknown>[]>;
  };
  const [vpc] = (await ask("/v2/vpcs"))["vpcs"]!.filter(({ name: vpcName }) => vpcName === "kubernetes");
  const body = { name, region: "fra1", size: "s-1vcpu-1gb", image: "debian-12-x64", vpc_uuid: vpc?.["id"] };
  await ask("/v2/droplets", { method: "POST", body: JSON.stringify(body) });
}

for (const { etcd, mode } of [
  { etcd: 3, mode: "at-once" },
  { etcd: 5, mode: "later" },
] as const)
  describe(`what is deleted in the cloud: ${etcd} etcd members, 3 controllers, freed addresses given out ${mode}`, function () {
    this.timeout(900_000);
    const recovery = recoveryOf("ha", {
      cloud: "digitalocean",
      addresses: mode,
      settings: { "corekube:etcd": { count: etcd } },
    });
    const members = Array.from({ length: etcd }, (_, index) => index);

    /** Deletes machines; afterwards these are others, and only these. */
    async function lost(...names: readonly string[]): Promise<void> {
      const before = await recovery.ids();
      await recovery.remove("machines", ...names);
      await recovery.heal();
      const others = [...(await recovery.ids())].filter(([name, id]) => before.get(name) !== id).map(([name]) => name);
      assert.deepEqual(others.sort(), [...names].sort());
    }

    const pairs = [
      ...members.flatMap((first) => three.map((second) => [machine("etcd", first), machine("controller", second)])),
      // Of three members only one may be missing, of five two.
      ...(etcd === 5 ? members.flatMap((first) => members.slice(first + 1).map((second) => [first, second])) : []).map(
        (pair) => pair.map((index) => machine("etcd", index)),
      ),
    ];
    for (const names of pairs) it(`${names.join(" and ")}`, () => lost(...names));

    if (etcd === 3) {
      for (const name of [
        ...three.map((index) => machine("etcd", index)),
        ...three.map((index) => machine("controller", index)),
        machine("worker", 0),
        machine("worker", 1),
        machine("public", 0),
      ])
        it(name, () => lost(name));

      for (const role of ["etcd", "controller", "worker"])
        it(`${machine(role, 1)}, whose address somebody else's machine has by now`, async () => {
          const name = machine(role, 1);
          await recovery.remove("machines", name);
          await stranger(`stranger-${role}`);
          await recovery.heal();
          await recovery.remove("machines", `stranger-${role}`);
        });

      it("an etcd member with its volumes", async () => {
        await recovery.remove("machines", machine("etcd", 1));
        await recovery.remove("volumes", "kubernetes-etcd-1-data", "kubernetes-etcd-1-wal");
        await recovery.heal();
      });

      it("a load balancer: the endpoint in the outputs is the next one's", async () => {
        await recovery.remove("load_balancers", "kubernetes-api");
        await recovery.heal();
      });
    }
  });
