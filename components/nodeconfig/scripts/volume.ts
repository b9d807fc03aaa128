/** Script that mounts etcd's volumes. */
import type { CloudProfile } from "../../cloud/profile.js";
import { etcdDirectory, etcdWalDirectory } from "../../contract/paths.js";
import type { NodeFile } from "../base/types.js";
import { script } from "./shell.js";

/** Seconds that a volume may take to be attached after its machine has booted. */
const attachSeconds = 300;
/** Seconds until systemd ends the script. */
export const volumeSeconds = attachSeconds + 120;

/** Needs HOSTNAME in its environment. Formats empty volumes only. */
export function volumeScript(profile: Pick<CloudProfile, "volumeDevice">): NodeFile {
  return script(
    "volume",
    "Mounts the volumes with etcd's data and write-ahead log. Formats a volume only if it is empty.",
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
[ -b "$device" ] || fail "no $device after ${attachSeconds} s; check that the volume is attached to $HOSTNAME"

# Low-level probing bypasses blkid's cache. Exit code 2: nothing found, or nothing could be read. So a volume is empty only if it can
# be read and a second program finds nothing either.
code=0
found=$(blkid --probe --output export "$device") || code=$?
case $code in
  0) ;;
  2)
    dd if="$device" of=/dev/null bs=1M count=4 status=none || fail "cannot read $device"
    found=$(wipefs --no-act "$device") || fail "cannot read the content of $device"
    [ -z "$found" ] || fail "$device: blkid finds nothing and wipefs finds '$found'; check its content before you wipe it"
    mkfs.ext4 -q -L "$3" -m 0 "$device"
    ;;
  *) fail "cannot read the content of $device (blkid exit code $code)" ;;
esac
type=$(blkid --probe --match-tag TYPE --output value "$device" || true)
[ "$type" = ext4 ] || fail "$device: got '\${found//$'\\n'/ }', allowed: an ext4 file system, or an empty volume; check its content before you wipe it"

mkdir -p "$target"
mount -t ext4 -o noatime,nodev,nosuid,noexec "$device" "$target"
# If the volume has grown. Where that cannot be while it is mounted, it must be checked first. A failure only means less space for etcd.
resize2fs "$device" || {
  umount "$target"
  { e2fsck -f -p "$device" || (($? == 1)); } && resize2fs "$device" || echo "corekube-volume: $device has not grown" >&2
  mount -t ext4 -o noatime,nodev,nosuid,noexec "$device" "$target"
}
chown etcd:etcd "$target"
chmod 0700 "$target"
}

attach "${profile.volumeDevice("data")}" ${etcdDirectory} etcd
attach "${profile.volumeDevice("wal")}" ${etcdWalDirectory} etcd-wal
`,
  );
}
