/** etcd's database as seen on its members: filled up to its quota, and looked at. */
import assert from "node:assert/strict";
import type { CheckContext } from "../../../lab/cluster/context.js";
import type { Machine } from "../../../lab/engine/outputs.js";

const etcdctl =
  "/opt/bin/etcdctl --cacert /run/corekube/etcd/etcd-ca.crt --cert /run/corekube/etcd/server.crt --key /run/corekube/etcd/server.key --endpoints https://127.0.0.1:2379";

export function onMember(context: CheckContext, machine: Machine, command: string, seconds = 30): Promise<string> {
  return context.inMachine(machine, `${etcdctl} ${command}`, seconds * 1000);
}

/** Writes until etcd refuses, as an application that stores too much; its keys are outside those of Kubernetes. */
export async function fill(context: CheckContext, machine: Machine): Promise<void> {
  const script = `value=$(head -c 1400000 /dev/zero | tr '\\0' x)
for ((key = 0; key < 2000; key++)); do
  said=$(${etcdctl} put /filler/$key <<<"$value" 2>&1) || { echo "$said"; exit 0; }
done
echo "never full"`;
  assert.match(await context.inMachine(machine, script, 400_000), /database space exceeded/);
}

export async function alarms(context: CheckContext, machine: Machine): Promise<string> {
  return (await onMember(context, machine, "alarm list")).trim();
}

/** Makes the machine forget etcd's data, as a volume that comes back empty after a boot, and starts the member as a boot does. */
export async function loseData(context: CheckContext, machine: Machine): Promise<void> {
  await context.inMachine(
    machine,
    "systemctl stop etcd && rm -rf /var/lib/etcd/member /var/lib/etcd-wal/wal /run/corekube/active && systemctl restart corekube-activate",
    120_000,
  );
}
