/** Script that keeps etcd from starting without the data that it had. */
import { findEtcdData } from "../../contract/etcdData.js";
import { etcdServedMark, metadataFile } from "../../contract/paths.js";
import type { NodeFile } from "../base/types.js";
import { script } from "./shell.js";

/**
 * A member whose volume comes back empty would start as if it were new: alone as a cluster without content, among others under its old
 * identity without what it had acknowledged. Only a delivery decides how such a member goes on; it removes the mark.
 */
export function memberScript(): NodeFile {
  return script(
    "member",
    "Fails with the reason if etcd has served on this machine and its data is gone; with the argument serves, notes that it serves.",
    `if [ "\${1-}" = serves ]; then
  touch ${etcdServedMark}
  exit 0
fi
${findEtcdData}
if [ ! -e ${etcdServedMark} ] || [ "$data" = 11 ]; then exit 0; fi
name=$(sed -n 's/^HOSTNAME=//p' ${metadataFile})
case $data in
  00) what="is gone" ;;
  *) what="is only there in part" ;;
esac
echo "etcd has served on this machine, and its data $what, so it is not started. Look first whether its volumes are attached." \
  "To copy the data from the other members, or to start a new, empty cluster where there is no other:" \
  "pulumi up --replace '**:Delivery::$name'"
exit 1
`,
  );
}
