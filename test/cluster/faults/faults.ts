/**
 * Faults as they happen in production: a process dies on its machine, a machine loses power or is deleted in the cloud without
 * the program.
 */
import type { CheckContext } from "../../../lab/cluster/context.js";
import { labCloud } from "../../../lab/cluster/cloud.js";
import type { CloudMachine } from "../../../lab/clouds/cloud.js";
import type { Machine } from "../../../lab/engine/outputs.js";
import { until } from "../../../lab/process/until.js";
import { balancerTargets } from "../../../lab/region/balancers.js";
import { backendName } from "../../../lab/region/haproxy.js";
import { killMachine } from "../../../lab/region/nspawn.js";
import { apiPort } from "./recovery.js";

/**
 * Kills the main process of a unit with SIGKILL.
 * @returns its process id on the machine.
 * @throws Error when the unit has none.
 */
export async function killProcess(context: CheckContext, machine: Machine, unit: string): Promise<number> {
  const output = await context.inMachine(
    machine,
    `pid=$(systemctl show --property MainPID --value ${unit}); [ "$pid" -gt 1 ] && kill -KILL "$pid" && echo "$pid"`,
  );
  return Number(output.trim());
}

/** Powers a machine off through the cloud, without a shutdown. It stays off until `powerOn`. */
export async function powerOff(context: CheckContext, machine: Machine): Promise<void> {
  await labCloud(context.config).act((await cloudMachine(context, machine)).id, "power_off");
}

/** Powers a machine on through the cloud; resolves before it has booted. */
export async function powerOn(context: CheckContext, machine: Machine): Promise<void> {
  await labCloud(context.config).act((await cloudMachine(context, machine)).id, "power_on");
}

/** Kills the machine's processes, as a crash of its host would. Resolves when the cloud reports it as off. */
export async function crash(context: CheckContext, machine: Machine): Promise<void> {
  const { id, number } = await cloudMachine(context, machine);
  await killMachine(context.config, number);
  const cloud = labCloud(context.config);
  await until(`${machine.name} reported as off`, { timeout: 30_000, pause: 500 }, async () => {
    const found = (await cloud.machines()).find((item) => item.id === id);
    if (found?.on !== false) throw new Error(`its status is ${found?.status ?? "missing"}`);
  });
}

/** Deletes a machine in the cloud without the engine; its volumes stay. Resolves when it is gone. */
export async function deleteMachine(context: CheckContext, machine: Machine): Promise<void> {
  const cloud = labCloud(context.config);
  const { id } = await cloudMachine(context, machine);
  await cloud.remove("machines", id);
  await until(`deletion of ${machine.name}`, { timeout: 60_000, pause: 500 }, async () => {
    if ((await cloud.list("machines")).some((item) => item.id === id)) throw new Error("it is still listed");
  });
}

/** The controller with most open connections from the external load balancer; on a tie the one that had most in total. */
export async function favouriteController(context: CheckContext): Promise<Machine> {
  const cloud = labCloud(context.config);
  const balancer = await cloud.publicBalancer(apiPort);
  if (!balancer) throw new Error("there is no external load balancer; the cluster must be highly available");
  const backend = backendName(balancer, apiPort);
  const sessions = (await balancerTargets(context.config)).filter((item) => item.backend === backend);
  const [favourite] = [...sessions].sort((a, b) => b.open - a.open || b.all - a.all);
  if (!favourite) throw new Error(`load balancer ${balancer.name}: has no target`);
  const target = (await cloud.machines()).find((item) => item.number === favourite.machineId);
  const machine = context.machines("controller").find((item) => item.name === target?.name);
  if (!machine)
    throw new Error(
      `load balancer ${balancer.name}: its target, machine ${favourite.machineId}, is no controller of the stack`,
    );
  return machine;
}

/** By name: for a deleted machine the stack still has the old id. */
async function cloudMachine(context: CheckContext, machine: Machine): Promise<CloudMachine> {
  const found = (await labCloud(context.config).machines()).filter((item) => item.name === machine.name);
  const [one] = found;
  if (!one || found.length > 1) throw new Error(`machine ${machine.name}: expected one, got ${found.length}`);
  return one;
}
