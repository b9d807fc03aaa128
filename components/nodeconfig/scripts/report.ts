/** Script that reports why a machine does not serve. */
import { scriptPath } from "../../contract/paths.js";
import { servingUnits } from "../../contract/units.js";
import type { NodeFile } from "../base/types.js";
import { script } from "./shell.js";

const services = servingUnits
  .filter((unit) => unit.endsWith(".service"))
  .map((unit) => unit.slice(0, -".service".length));

/** Prints at most about 40 lines per failed unit; the user sees all of them. */
export function reportScript(): NodeFile {
  return script(
    "report",
    "Explains why this machine does not serve: failed units with their last log lines, or what is still starting.",
    `show() { # UNIT LINES
  echo "== $1: $(systemctl show --property ActiveState --value "$1"), $(systemctl show --property Result --value "$1")"
  # Prefer the unit's own output: after many restarts, systemd's messages hide it.
  said=$(journalctl "_SYSTEMD_UNIT=$1" --lines "$2" --no-pager --output cat)
  [ -n "$said" ] || said=$(journalctl --unit "$1" --lines "$2" --no-pager --output cat)
  echo "$said"
}

in_state() { # STATE UNIT...: prints the units in this state
  systemctl list-units --all --plain --no-legend --no-pager --state "$@" | cut -d ' ' -f 1
}

ours=()
for unit in ${services.join(" ")}; do ours+=("$unit.service"); done

# Steps of the boot repeat themselves: one that waits for its next attempt has failed too.
failed=$(in_state failed "\${ours[@]}"; in_state auto-restart "\${ours[@]}" | grep '^corekube-' || true)
[ -n "$failed" ] || failed=$(in_state failed | head -n 3)
if [ -n "$failed" ]; then
  for unit in $failed; do show "$unit" 15; done
  exit 0
fi

for unit in $(in_state activating "\${ours[@]}"); do show "$unit" 15; done

answer=$(${scriptPath("health")}) || true
echo "health: \${answer:-the machine serves}"
# The program that failed the health check.
what=\${answer%% *}
if systemctl --quiet is-active etcd.service; then show etcd.service 15; fi
if systemctl --quiet is-active kubelet.service; then
  about=$what
  case $what in kubelet | '') about=. ;; esac
  echo "== kubelet.service: latest errors"
  journalctl --unit kubelet.service --lines 1000 --no-pager --output cat | grep -E '^[EF][0-9]{4} ' | grep -e "$about" | tail -n 8 | cut -c 1-700 || true
  newest=
  for log in /var/log/containers/"$what"-*.log; do
    if [ -e "$log" ] && { [ -z "$newest" ] || [ "$log" -nt "$newest" ]; }; then newest=$log; fi
  done
  if [ -n "$newest" ]; then
    echo "== $newest"
    tail -n 15 "$newest" | cut -d ' ' -f 4- | cut -c 1-500
  fi
fi
`,
  );
}
