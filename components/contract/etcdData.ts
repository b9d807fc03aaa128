/** Where an etcd member's data is, for scripts on the machine and for those that the provider sends. */
import { etcdDirectory, etcdWalDirectory } from "./paths.js";

/**
 * Shell; sets `data`: 1 if etcd's database is there, else 0, then the same for its log. etcd looks for the log, and starts as a new member without
 * one, whatever else is there (`haveWAL` in its source): data without a log, or a log without data, is of no use to it.
 */
export const findEtcdData = `wal=${etcdDirectory}/member/wal
[ ! -d ${etcdWalDirectory} ] || wal=${etcdWalDirectory}/wal
has() { compgen -G "$1" >/dev/null && echo 1 || echo 0; }
data=$(has "${etcdDirectory}/member/snap/db")$(has "$wal/*.wal")
`;
