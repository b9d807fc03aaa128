/** Script that keeps etcd from starting without the data that it had. */
import { etcdDirectory, etcdServedMark, etcdWalDirectory, metadataFile } from "../../contract/paths.js";
import type { NodeFile } from "../base/types.js";
import { script } from "./shell.js";

/**
 * Shell: 1 if etcd's database is there, else 0, then the same for its log. etcd looks for the log, and starts as a new member without
 * one, whatever else is there (`haveWAL` in its source): data without a log, or a log without data, is of no use to it.
 */
export const findData = `wal=${etcdDirectory}/member/wal
[ ! -d ${etcdWalDirectory} ] || wal=${etcdWalDirectory}/wal
has() { compgen -G "$1" >/dev/null && echo 1 || echo 0; }
data=$(has "${etcdDirectory}/member/snap/db")$(has "$wal/*.wal")
`;

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
${findData}
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
