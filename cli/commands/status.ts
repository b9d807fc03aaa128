/** `corekube status`: the whole cluster, and what is wrong with it. */
import { activityOf } from "../activity.js";
import { askApi } from "../api.js";
import { print, printJson } from "../output.js";
import { table } from "../../engine/table.js";
import { exitCodes, type ExitCode } from "../problem.js";
import { Stack, type StackOptions } from "../stack.js";
import { type ClusterStatus, type MachineFacts, statusOf } from "../status.js";

interface StatusOptions extends StackOptions {
  readonly json?: boolean;
}

export async function status(options: StatusOptions): Promise<ExitCode> {
  const stack = new Stack(options);
  const [state, kubeconfig, machines] = await Promise.all([
    stack.state(),
    stack.output("kubeconfig"),
    stack.output("machines"),
  ]);
  const [activity, api] = await Promise.all([
    activityOf(stack, state),
    typeof kubeconfig === "string" ? askApi(kubeconfig) : "the stack has no kubeconfig yet",
  ]);
  const facts = Array.isArray(machines) ? (machines as readonly MachineFacts[]) : [];
  const found = statusOf({ state, activity, machines: facts, api, now: new Date(), flags: stack.flags });
  if (options.json === true) printJson(found);
  else print(textOf(found));
  return found.healthy ? exitCodes.ok : exitCodes.failed;
}

function textOf({ healthy, run, versions, machines, certificateDays, problems }: ClusterStatus): string {
  const rows = machines.map((machine) => [
    machine.name,
    machine.role,
    machine.state,
    machine.condition,
    machine.version || "-",
    machine.publicIpv4 || "-",
    machine.privateIpv4 || "-",
  ]);
  const facts = [
    versions.kubernetes &&
      `Kubernetes ${versions.kubernetes}${versions.emulated && `, which emulates ${versions.emulated}; nodes ${versions.nodes}`}`,
    versions.etcd && `etcd ${versions.etcd}`,
    certificateDays !== undefined && `certificates valid for ${certificateDays} days or more`,
    run,
  ];
  return [
    ...(rows.length > 0
      ? [table([["MACHINE", "ROLE", "STATE", "CONDITION", "VERSION", "PUBLIC", "PRIVATE"], ...rows]), ""]
      : []),
    facts.filter(Boolean).join("; "),
    ...(healthy ? ["healthy"] : ["", "Problems:", ...problems.map((problem) => `- ${problem}`)]),
  ].join("\n");
}
