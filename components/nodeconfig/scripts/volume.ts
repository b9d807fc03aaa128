/** Script that mounts etcd's volumes. */
import type { CloudProfile } from "../../cloud/profile.js";
import { etcdDirectory, etcdWalDirectory } from "../../contract/paths.js";
import type { NodeFile } from "../base/types.js";
import { script } from "./shell.js";

/** Seconds that a volume may take to be attached after its machine has booted. */
const attachSeconds = 300;
/** Seconds until systemd ends the script. */
export const volumeSeconds = attachSeconds + 120;

/** Needs HOSTNAME in its environment. Never makes a file system where there is anything. */
export function volumeScript(profile: Pick<CloudProfile, "volumeDevice">): NodeFile {
  return script(
    "volume",
    "Mounts the volumes with etcd's data and write-ahead log, and makes a file system only on one that has nothing.",
    `fail() {
  echo "corekube-volume: $*" >&2
  exit 1
}

attach() { # DEVICE TARGET LABEL
local device=$1 target=$2 waited code found type
if mountpoint -q "$target"; then return; fi
for ((waited = 0; waited < ${attachSeconds}; waited++)); do
  if [ -b "$device" ]; then break; fi
  sleep 1
done
[ -b "$device" ] || fail "no $device after ${attachSeconds} s; is the volume attached to $HOSTNAME?"

# Low-level probing, so that an old answer is not taken for the device's. Exit code 2: nothing was found on it.
code=0
found=$(blkid --probe --output export "$device") || code=$?
case $code in
  0) ;;
  2) mkfs.ext4 -q -L "$3" -m 0 "$device" ;;
  *) fail "cannot tell what is on $device (blkid exit code $code)" ;;
esac
type=$(blkid --probe --match-tag TYPE --output value "$device" || true)
[ "$type" = ext4 ] || fail "$device: got '\${found//$'\\n'/ }', allowed is an ext4 file system or nothing at all; look at what is on it before it is wiped by hand"

mkdir -p "$target"
mount -t ext4 -o noatime,nodev,nosuid,noexec "$device" "$target"
# A volume that has grown; without it, etcd just has less room.
resize2fs "$device" || true
chown etcd:etcd "$target"
chmod 0700 "$target"
}

attach "${profile.volumeDevice("data")}" ${etcdDirectory} etcd
attach "${profile.volumeDevice("wal")}" ${etcdWalDirectory} etcd-wal
`,
  );
}
