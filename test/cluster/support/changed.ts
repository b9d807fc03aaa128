/** A change of what machines run: who is changed, and what of a machine stays as it was. */
import { nameOf } from "./scale.js";
import { type CheckContext, expect } from "../../../lab/cluster/context.js";

export const changedFile = "/etc/sysctl.d/90-corekube.conf";

/** Replaces a link into the configuration by a file, as somebody would who edits it. */
export async function editByHand(context: CheckContext, machine: string): Promise<void> {
  const found = context.machines().find(({ name }) => name === machine);
  expect(found !== undefined, `there is no ${machine}`);
  await context.inMachine(
    found,
    `cp --remove-destination "$(readlink -f ${changedFile})" ${changedFile} && echo '# mine' >>${changedFile}`,
  );
}

/** Kubelet's verbosity on each node, as the kubelet itself reports it. */
export async function verbosities(context: CheckContext): Promise<Record<string, number>> {
  const entries = context.nodes().map(async ({ name }) => {
    const text = await context.kubectl(["get", "--raw", `/api/v1/nodes/${name}/proxy/configz`]);
    const { kubeletconfig } = JSON.parse(text) as { kubeletconfig: { logging: { verbosity: number } } };
    return [name, kubeletconfig.logging.verbosity] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** What must survive: boots of machines, and starts of pods that a change of the configuration is not about. */
export async function survivors(context: CheckContext): Promise<Record<string, string>> {
  const boots = await context.kubectlValue(
    '{range .items[*]}{.metadata.name}={.status.nodeInfo.bootID}{"\\n"}{end}',
    "nodes",
  );
  const pods = await context.kubectlValue(
    '{range .items[*]}{.metadata.name}={.metadata.uid} {.status.containerStatuses[0].restartCount}{"\\n"}{end}',
    ...["pods", "-n", "kube-system", "-l", "k8s-app=kube-dns"],
  );
  return Object.fromEntries(`${boots}\n${pods}`.split("\n").map((line) => line.split("=") as [string, string]));
}

/** Operation and name of what a preview changes on machines. */
export function machineChanges(changes: readonly { readonly op: string; readonly urn: string }[]): string[] {
  return changes
    .filter(({ urn }) => /:machine:(Delivery|Join)::|index\/droplet|ec2\/instance/.test(urn))
    .map(({ op, urn }) => `${op} ${nameOf(urn)}`)
    .sort();
}
