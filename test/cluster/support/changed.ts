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

/** The boot of each node: another one after a reboot, or of another machine. */
export const bootsOf = (context: CheckContext): Promise<string> =>
  context.kubectlValue('{range .items[*]}{.metadata.name}={.status.nodeInfo.bootID}{"\\n"}{end}', "nodes");

/** Operation and name of what a preview changes on machines. */
export function machineChanges(changes: readonly { readonly op: string; readonly urn: string }[]): string[] {
  return changes
    .filter(({ urn }) => /:machine:(Delivery|Join)::|index\/droplet|ec2\/instance/.test(urn))
    .map(({ op, urn }) => `${op} ${nameOf(urn)}`)
    .sort();
}
