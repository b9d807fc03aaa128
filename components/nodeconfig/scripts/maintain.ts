/** Script and timer that keep an etcd member's database within its quota. They run on every member, without Pulumi. */
import { etcdCertificates, metadataFile, programDirectory, scriptPath } from "../../contract/paths.js";
import { units } from "../../contract/units.js";
import type { NodeFile, NodeUnit } from "../base/types.js";
import { script } from "./shell.js";

/** Minutes between runs. */
const everyMinutes = 10;
/** Seconds that a member has for its defragmentation before the next one's turn; all members of a cluster fit into one run. */
const turnSeconds = 90;
/** Bytes of a database that is not worth a defragmentation. */
const smallest = 64 * 2 ** 20;

/**
 * etcd gives the space of old revisions back to its file only by a defragmentation, during which the member does not answer. So members
 * take turns, and none begins while another does not answer. Once a database has reached its quota, etcd raises an alarm and accepts
 * deletions only, until somebody has made room and disarmed the alarm: https://etcd.io/docs/v3.6/op-guide/maintenance/
 */
export function maintainScript(): NodeFile {
  return script(
    "maintain",
    "Defragments this member's database when it is its turn, and disarms the alarm of a full database once there is room. Needs HOSTNAME.",
    `etcdctl() {
  ${programDirectory}/etcdctl --endpoints https://127.0.0.1:2379 --cacert ${etcdCertificates}/etcd-ca.crt --cert ${etcdCertificates}/server.crt \\
    --key ${etcdCertificates}/server.key --dial-timeout 5s --command-timeout ${turnSeconds - 10}s "$@"
}

numbers() { # NAME JSON: every number of this name
  grep -o "\\"$1\\":[0-9]*" <<<"$2" | cut -d : -f 2 || true
}

all() { # JSON of all members; fails unless every one answers
  etcdctl endpoint status --cluster --write-out json
}

nothing() {
  echo "not every member answers; nothing is done"
  exit 0
}

full() {
  [[ $(etcdctl alarm list) == *NOSPACE* ]]
}

room() { # JSON: every database is well below its quota
  local sizes quotas index
  mapfile -t sizes < <(numbers dbSize "$1")
  mapfile -t quotas < <(numbers dbSizeQuota "$1")
  ((\${#sizes[@]} > 0 && \${#sizes[@]} == \${#quotas[@]})) || return 1
  for index in "\${!sizes[@]}"; do
    ((sizes[index] * 10 < quotas[index] * 9)) || return 1
  done
}

disarm() {
  local answers
  if full; then
    answers=$(all) || nothing
    if room "$answers"; then
      echo "every member has room: the alarm is disarmed"
      etcdctl alarm disarm
    fi
  fi
}

all >/dev/null || nothing
disarm
own=$(etcdctl endpoint status --write-out json)
size=$(numbers dbSize "$own") used=$(numbers dbSizeInUse "$own") revision=$(numbers revision "$own")
if full; then
  # API servers cannot ask for it now: they note it in etcd first.
  etcdctl compact --physical "$revision" || true
elif ((size < ${smallest} || used * 2 > size)); then
  exit 0
fi
sleep $((\${HOSTNAME##*-} * ${turnSeconds}))
all >/dev/null || nothing
echo "defragmenting: $size bytes, of which $used are in use"
etcdctl defrag
disarm
`,
  );
}

export const maintainUnits: readonly NodeUnit[] = [
  {
    name: units.maintain,
    contents: `[Unit]
Description=Maintenance of etcd's database
After=${units.etcd}

[Service]
Type=oneshot
EnvironmentFile=${metadataFile}
ExecStart=${scriptPath("maintain")}
`,
  },
  {
    name: units.maintainTimer,
    enabled: true,
    contents: `[Unit]
Description=Regular maintenance of etcd's database

[Timer]
OnCalendar=*:0/${everyMinutes}
AccuracySec=1s

[Install]
WantedBy=timers.target
`,
  },
];
