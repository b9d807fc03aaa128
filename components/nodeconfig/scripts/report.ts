/** Script that explains why a machine does not serve. */
import { scriptDirectory } from "../layout.js";
import type { NodeFile } from "../types.js";
import { script } from "./shell.js";

/** Units of ours, and those under them; a role has only some of them. */
const units = "corekube-metadata corekube-install corekube-volume corekube-activate containerd etcd kubelet";

/** Prints at most about 60 lines: all of them reach the user. */
export function reportScript(): NodeFile {
  return script(
    "report",
    "Says for a human why this machine does not serve: failed units with their last lines, or what is still on its way.",
    `show() { # UNIT LINES
  echo "== $1: $(systemctl show --property ActiveState --value "$1"), $(systemctl show --property Result --value "$1")"
  journalctl --unit "$1" --lines "$2" --no-pager --output cat
}

in_state() { # STATE UNIT...: those that are in the state
  systemctl list-units --all --plain --no-legend --no-pager --state "$@" | cut -d ' ' -f 1
}

ours=()
for unit in ${units}; do ours+=("$unit.service"); done

failed=$(in_state failed "\${ours[@]}")
[ -n "$failed" ] || failed=$(in_state failed | head -n 3)
if [ -n "$failed" ]; then
  for unit in $failed; do show "$unit" 15; done
  exit 0
fi

for unit in $(in_state activating "\${ours[@]}"); do show "$unit" 15; done

if systemctl --quiet is-active kubelet.service && ! ${scriptDirectory}/health; then
  echo "== kubelet.service: its last errors"
  journalctl --unit kubelet.service --lines 300 --no-pager --output cat | grep -E '^[EF][0-9]{4} ' | tail -n 12 | cut -c 1-600 || true
  # Of pods that the machine runs by itself; there are few.
  for log in /var/log/containers/kube-{apiserver,controller-manager,scheduler}-*.log; do
    [ -e "$log" ] || continue
    echo "== $log"
    tail -n 6 "$log" | cut -c 1-400
  done
fi
`,
  );
}
