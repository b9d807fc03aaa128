/**
 * What breaks a cluster on purpose. Everything goes the way in which it happens to a user: a process dies in its machine, a
 * machine loses its power or is deleted in the cloud, behind the program's back.
 */
import type { CheckContext } from "../checks/context.js";
import { labCloud } from "../commands/cloud.js";
import type { CloudMachine } from "../clouds/cloud.js";
import type { Machine } from "../commands/outputs.js";
import { eventually } from "../commands/process.js";
import { balancerTargets } from "../region/balancers.js";
import { backendName } from "../region/haproxy.js";
import { killMachine } from "../region/nspawn.js";
import { apiPort } from "./recovery.js";

/**
 * Kills the main process of a unit with SIGKILL.
 * @returns its process id in the machine.
 * @throws Error when the unit has none.
 */
export async function killProcess(context: CheckContext, machine: Machine, unit: string): Promise<number> {
  const output = await context.inMachine(
    machine,
    `pid=$(systemctl show --property MainPID --value ${unit}); [ "$pid" -gt 1 ] && kill -KILL "$pid" && echo "$pid"`,
  );
  return Number(output.trim());
}

/** Kills a container's processes by name, as the kernel does when memory is short. @returns how many there were. */
export async function killByName(context: CheckContext, machine: Machine, name: string): Promise<number> {
  const output = await context.inMachine(machine, `pgrep --exact --count ${name}; pkill --signal KILL --exact ${name}`);
  return Number(output.trim());
}

/** Pulls the plug, through the cloud: nothing is written any more, and nothing answers. It stays off until `powerOn`. */
export async function powerOff(context: CheckContext, machine: Machine): Promise<void> {
  await labCloud(context.config).act((await cloudMachine(context, machine)).id, "power_off");
}

/** Switches a machine on again, through the cloud; its boot goes on afterwards. */
export async function powerOn(context: CheckContext, machine: Machine): Promise<void> {
  await labCloud(context.config).act((await cloudMachine(context, machine)).id, "power_on");
}

/** Kills the machine's processes without asking the cloud, as the crash of its host would. The cloud notes it as off afterwards. */
export async function crash(context: CheckContext, machine: Machine): Promise<void> {
  const { id, number } = await cloudMachine(context, machine);
  await killMachine(context.config, number);
  const cloud = labCloud(context.config);
  await eventually(
    `${machine.name} seen as off`,
    30,
    async () => {
      const found = (await cloud.machines()).find((item) => item.id === id);
      if (found?.on !== false) throw new Error(`its status is ${found?.status ?? "missing"}`);
    },
    0.5,
  );
}

/** Deletes a machine in the cloud, behind the engine's back; its volumes stay. Resolves when it is gone. */
export async function deleteMachine(context: CheckContext, machine: Machine): Promise<void> {
  const cloud = labCloud(context.config);
  const { id } = await cloudMachine(context, machine);
  await cloud.remove("machines", id);
  await eventually(
    `deletion of ${machine.name}`,
    60,
    async () => {
      if ((await cloud.list("machines")).some((item) => item.id === id)) throw new Error("it is still listed");
    },
    0.5,
  );
}

/** The controller to which the external load balancer has most connections open now; of equals, the one that had most so far. */
export async function favouriteController(context: CheckContext): Promise<Machine> {
  const cloud = labCloud(context.config);
  const balancer = await cloud.publicBalancer(apiPort);
  if (!balancer) throw new Error("load balancers: got no external one; the cluster must be highly available");
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

/** By name: the stack's id is that of the machine before, where one was deleted. */
async function cloudMachine(context: CheckContext, machine: Machine): Promise<CloudMachine> {
  const found = (await labCloud(context.config).machines()).filter((item) => item.name === machine.name);
  const [one] = found;
  if (!one || found.length > 1) throw new Error(`machine ${machine.name}: got ${found.length}, needed is one`);
  return one;
}
