/** Stops a control-plane machine's services cleanly before the machine is removed. */
import { etcdDirectory, manifestDirectory, programDirectory, secretsDirectory } from "../../contract/paths.js";
import { units } from "../../contract/units.js";
import type { ControlPlaneRole } from "../gates.js";
import { limits } from "../../../provider/operation/limits.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { HostKeyChanged } from "../../../provider/ssh/hostkey.js";
import { Unreachable } from "../../../provider/ssh/machine.js";
import { rolloutPlan } from "./rolloutPlan.js";
import { onPeer, type Credentials } from "./controlPlanePeers.js";

const STOP_MILLISECONDS = 150_000;

/**
 * etcd hands over its leadership when it is stopped; its volumes are synced and unmounted before the cloud detaches them. The API
 * server finishes its requests; the kubelet must not start it again.
 *
 * The next delivery undoes all of it, in case the machine stays.
 */
const scripts: Readonly<Record<ControlPlaneRole, (machine: string) => string>> = {
  etcd: () => `
set -u
systemctl stop ${units.etcd} || exit 1
sync
systemctl stop ${units.volume}
for target in $(findmnt --raw --noheadings --output TARGET | grep -E '^${etcdDirectory}' | sort -r); do umount "$target" || exit 1; done
exit 0
`,
  controller: (machine) => `
set -u
# The next machine with this name registers a new Node: a Node keeps its provider id, which is the old machine's. If this fails, the
# cloud controller manager removes the Node once the machine is gone.
${programDirectory}/kubectl --kubeconfig=${secretsDirectory}/csr-approver.kubeconfig --request-timeout=20s delete node '${machine}' --ignore-not-found --wait=false || true
rm -f ${manifestDirectory}/*.yaml
for ((waited = 0; waited < 90; waited++)); do
  pgrep -x 'kube-apiserver|kube-controller|kube-scheduler' >/dev/null || break
  sleep 1
done
systemctl stop ${units.kubelet}
exit 0
`,
};

/** Stops the services of the machine. One that does not answer, or that is another one by now, is left alone. */
export async function quiesce(
  operation: Operation,
  leaving: Credentials & { readonly machine: string; readonly host: string },
  role: ControlPlaneRole,
  hostKey: string | undefined,
): Promise<void> {
  const known = rolloutPlan.get(leaving.machine);
  if (known === undefined) return;
  try {
    const { code, stdout, stderr } = await onPeer(
      operation,
      { ...known, host: leaving.host, hostKey },
      leaving,
      (machine) =>
        machine.root({
          script: scripts[role](leaving.machine),
          limitMilliseconds: STOP_MILLISECONDS,
          phase: "stopping its services",
        }),
      known.host === undefined ? limits.lost : limits.leaving,
    );
    if (code !== 0)
      throw new Error(
        `${leaving.machine}: not replaced, because its services could not be stopped (exit code ${code}): ${(stderr || stdout).trim()}`,
      );
  } catch (error) {
    if (!(error instanceof Unreachable || error instanceof HostKeyChanged)) throw error;
    operation.log.warn(
      `${leaving.machine}: ${error instanceof Unreachable ? "does not answer SSH" : `another machine answers at its address ${leaving.host}`}; it is replaced without stopping its services first.`,
    );
  }
}
