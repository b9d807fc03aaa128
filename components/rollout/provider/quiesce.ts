/** Ends what runs on a machine of the control plane, so that its disappearance is none. */
import type { ControlPlaneRole } from "../gates.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { Unreachable } from "../../../provider/ssh/machine.js";
import { announcement } from "./rolloutPlan.js";
import { onPeer, type Credentials } from "./controlPlanePeers.js";

const STOP_MILLISECONDS = 150_000;
/** Longer than others are given: what is not stopped in peace is cut off. */
const CONNECT_SECONDS = 60;

/**
 * etcd hands its leadership on when it is stopped; its volumes are written out and let go before the cloud detaches them. The
 * API server ends the requests that it has; its kubelet must not start it again.
 *
 * All of it is undone by the next delivery, should the machine stay after all.
 */
const scripts: Readonly<Record<ControlPlaneRole, (machine: string) => string>> = {
  etcd: () => `
set -u
systemctl stop etcd.service || exit 1
sync
systemctl stop corekube-volume.service
for target in $(findmnt --raw --noheadings --output TARGET | grep -E '^/var/lib/etcd' | sort -r); do umount "$target" || exit 1; done
exit 0
`,
  controller: (machine) => `
set -u
# The next machine of the name registers anew: a Node keeps its provider id, which is the old machine's. Where it cannot be said now,
# the cloud controller manager takes the Node away once the machine is gone.
/opt/bin/kubectl --kubeconfig=/etc/corekube/secrets/csr-approver.kubeconfig --request-timeout=20s delete node '${machine}' --ignore-not-found --wait=false || true
rm -f /etc/kubernetes/manifests/*.yaml
for ((waited = 0; waited < 90; waited++)); do
  pgrep -x 'kube-apiserver|kube-controller|kube-scheduler' >/dev/null || break
  sleep 1
done
systemctl stop kubelet.service
exit 0
`,
};

/** Stops what the machine runs. One that does not answer has nothing to be stopped. */
export async function quiesce(
  operation: Operation,
  going: Credentials & { readonly machine: string; readonly host: string },
  role: ControlPlaneRole,
  hostKey: string | undefined,
): Promise<void> {
  const known = announcement.get(going.machine);
  if (known === undefined) return;
  try {
    const { code, stdout, stderr } = await onPeer(
      operation,
      { ...known, host: going.host, ...(hostKey === undefined ? {} : { hostKey }) },
      going,
      (machine) => machine.root({ script: scripts[role](going.machine), limitMilliseconds: STOP_MILLISECONDS }),
      CONNECT_SECONDS,
    );
    if (code !== 0)
      throw new Error(
        `${going.machine}: left as it is, because its service could not be stopped (exit code ${code}): ${(stderr || stdout).trim()}`,
      );
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    operation.log.warn(
      `${going.machine}: does not answer SSH and is replaced without being stopped before; the other machines are well.`,
    );
  }
}
