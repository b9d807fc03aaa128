/** Scripts that apply delivered files. They run at every boot, and after every delivery. */
import type { ClusterSpec, Role } from "../../spec/cluster.js";
import {
  auditDirectory,
  etcdCertificates,
  etcdDirectory,
  etcdWalDirectory,
  kubeletConfig,
  kubeletKubeconfig,
  kubeletTemplate,
  manifestDirectory,
  metadataFile,
  programDirectory,
  proxyFile,
  runtimeDirectory,
  scriptPath,
  secretsDirectory,
  templateDirectory,
  unitDirectory,
} from "../../contract/paths.js";
import { nodePool } from "../../spec/pools.js";
import { raiseConnectionLimit } from "../base/connections.js";
import { reserve } from "../base/reservation.js";
import { controlPlanePrograms, controlPlaneUsers } from "../base/users.js";
import { filesOf, startFilesOf } from "../../contract/secretFiles.js";
import { units } from "../../contract/units.js";
import type { NodeFile } from "../base/types.js";
import { current } from "./health.js";
import { script } from "./shell.js";

const purpose =
  "Applies the delivered files: starts the machine's service, or restarts it if it would not notice them.";

/** Seconds until systemd ends it. */
export const activateSeconds = 300;
/** Seconds in which a pod of the control plane is replaced, its last requests included. One that is not is no reason not to go on. */
const replaceSeconds = 75;
/** Seconds that a grown volume may take to show its new size. */
const growSeconds = 60;

/**
 * @param readAtStart Files that the service reads only when it starts, as words of the shell. A change of others needs no restart, but a
 * service that does not run is started with all of them.
 * @param restart Command that restarts the unit `$1`.
 */
const start = (readAtStart: string, restart = 'systemctl restart "$1"'): string => `digest() {
  sha256sum "$@" | sha256sum | cut -d ' ' -f 1
}

cd ${secretsDirectory}
# Digests of what the service read when it started, and of all delivered files that were there then; gone after a reboot.
state=/run/corekube/active

start() { # UNIT PROGRAM FILE...: FILE is what it starts with besides its unit, its program and delivered files
  local now before="" parts=("${unitDirectory}/$1")
  for file in "\${@:3}"; do if [ -e "$file" ]; then parts+=("$file"); fi; done
  now="$( (readlink -f "$2"; digest -- ${readAtStart}; digest -- "\${parts[@]}") | sha256sum | cut -d ' ' -f 1) $(digest -- *)"
  if [ -r "$state" ]; then before=$(<"$state"); fi
  if systemctl --quiet is-active "$1"; then
    # Waits until it serves again.
    [ "\${before% *}" = "\${now% *}" ] || ${restart}
  elif [ "$before" = "$now" ]; then
    systemctl start --no-block "$1"
  else
    systemctl restart --no-block "$1"
  fi
  echo "$now" >"$state"
}
`;

/** What a kubelet starts with. */
const kubeletStart = `${programDirectory}/kubelet ${kubeletConfig} ${proxyFile} ${metadataFile}`;

/** Fills in templates. Files that do not change keep their modification time, which health compares with the age of processes. */
const render = `# render reads these variables by name.
export SECRETS_DIGEST RESOLV_CONF=/etc/resolv.conf
# Pods cannot reach the stub resolver on the machine's loopback address.
if [ -e /run/systemd/resolve/resolv.conf ]; then RESOLV_CONF=/run/systemd/resolve/resolv.conf; fi

render() { # TEMPLATE TARGET: fills in variables
  local text name new
  new=$(dirname "$2")/.new
  text=$(<"$1")
  for name in HOSTNAME PRIVATE_IPV4 ETCD_SERVERS RESOLV_CONF SECRETS_DIGEST RESERVED_CPU RESERVED_MEMORY RESERVED_DISK; do
    text=\${text//"\\\${$name}"/"\${!name-}"}
  done
  # A kubelet of another minor version would compute another one for the same text, and so restart the pod.
  name=$(echo "$HOSTNAME $text" | sha256sum | cut -c 1-32)
  text=\${text//"\\\${POD_UID}"/"$name"}
  (umask 077 && echo "$text" >"$new")
  if cmp -s "$new" "$2"; then rm "$new"; else mv "$new" "$2"; fi
}
`;

/** Each program of the control plane gets only its own files, readable by its own user. */
const credentials = `credentials() { # PROGRAM USER FILE...
  local file
  install -d -o "$2" -g "$2" -m 0500 "${runtimeDirectory}/$1"
  for file in "\${@:3}"; do
    install -o "$2" -g "$2" -m 0400 "${secretsDirectory}/$file" "${runtimeDirectory}/$1/$file"
  done
}

${controlPlanePrograms
  .map((program) => `credentials ${program} ${controlPlaneUsers[program]} ${filesOf(program).join(" ")}\n`)
  .join(
    "",
  )}install -d -o ${controlPlaneUsers["kube-apiserver"]} -g ${controlPlaneUsers["kube-apiserver"]} -m 0700 ${auditDirectory}
`;

/** A pod starts again when its manifest changes, which has a digest of the files that its program reads only then. */
const pods = `pod() { # PROGRAM FILE...
  SECRETS_DIGEST=$(digest "\${@:2}")
  render "${templateDirectory}/$1.yaml" "${manifestDirectory}/$1.yaml"
}

${controlPlanePrograms.map((program) => `pod ${program} ${startFilesOf(program).join(" ")}\n`).join("")}
${current}
# A kubelet that starts gives pods that it does not know any more one second to end. This one gives them the time that they ask for.
restart_without_pods() { # UNIT
  local program waited
  for program in ${controlPlanePrograms.join(" ")}; do
    for ((waited = 0; waited < ${replaceSeconds}; waited++)); do
      if (current "$program") >/dev/null; then break; fi
      sleep 1
    done
  done
  systemctl restart "$1"
}
`;

/**
 * A kubelet keeps the address of the API with which it joined: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/
 * Where the API's machine has been replaced, that address is dead.
 */
const apiAddress = `kubeconfig=${kubeletKubeconfig}
if [ -s "$kubeconfig" ]; then
  (umask 077 && sed -E "s|^( *server:) .*|\\1 $API_SERVER|" "$kubeconfig" >"$kubeconfig.new")
  if cmp -s "$kubeconfig.new" "$kubeconfig"; then rm "$kubeconfig.new"; else mv "$kubeconfig.new" "$kubeconfig"; fi
fi
`;

/**
 * A volume grows while it is attached and mounted, and so does its file system. The quota must not be larger than what is there: clouds
 * and kernels take seconds to show the new size. Where the kernel refuses to grow a mounted file system, it is unmounted first.
 */
const growth = `grow() { # TARGET BYTES
  local device rescan size waited
  device=$(findmnt --noheadings --output SOURCE "$1")
  rescan=/sys/class/block/$(basename "$(readlink -f "$device")")/device/rescan
  for ((waited = 0; ; waited++)); do
    if [ -w "$rescan" ]; then echo 1 >"$rescan"; fi
    size=$(blockdev --getsize64 "$device")
    if ((size >= $2)); then break; fi
    if ((waited >= ${growSeconds})); then
      echo "activate: $device at $1 has $size bytes, expected at least $2; check the size of the volume in the cloud's console, then reboot the machine" >&2
      exit 1
    fi
    sleep 1
  done
  resize2fs "$device" 2>&1 || {
    echo "activate: the file system at $1 does not grow while it is mounted, so etcd is stopped" >&2
    systemctl stop ${units.etcd}
    umount "$1"
    ${scriptPath("volume")}
  }
  size=$(($(stat --file-system --format '%b * %S' "$1")))
  if ((size * 2 < $2)); then
    echo "activate: the file system at $1 has $size bytes, fewer than its quota; reboot the machine, which grows it too" >&2
    exit 1
  fi
}

quota=$(sed -n 's/^ETCD_QUOTA_BACKEND_BYTES=//p' ${secretsDirectory}/etcd.env)
grow ${etcdDirectory} $((quota * 2))
grow ${etcdWalDirectory} 0
`;

/** @param needed Units that must have succeeded. They repeat themselves, and so does this one. */
const waitFor = (needed: readonly string[]): string =>
  needed
    .map(
      (unit) =>
        `systemctl --quiet is-active ${unit} || { echo "activate: ${unit} has not succeeded yet" >&2; exit 1; }\n`,
    )
    .join("");

/** Needs HOSTNAME, PRIVATE_IPV4 and the variables of `cluster.env` in its environment. */
export function activateScript(
  spec: Pick<ClusterSpec, "etcd" | "controllers" | "workers" | "publicWorkers">,
  role: Role,
): NodeFile {
  const volumes = spec.etcd.disks.type === "volumes";
  switch (role) {
    case "etcd":
      return script(
        "activate",
        purpose,
        `${waitFor(volumes ? [units.install, units.volume] : [units.install])}
${start([...startFilesOf("etcd"), "etcd.env"].join(" "))}
${volumes ? growth : ""}
${spec.etcd.disks.type === "root" ? `install -d -o etcd -g etcd -m 0700 ${etcdDirectory}\n` : ""}install -d -o root -g etcd -m 0750 ${etcdCertificates}
for file in ${filesOf("etcd").join(" ")}; do
  install -o etcd -g etcd -m 0400 "${secretsDirectory}/$file" "${etcdCertificates}/$file"
done
start ${units.etcd} ${programDirectory}/etcd ${metadataFile}
# After a change of the quota there may be room again.
systemctl start --no-block ${units.maintain}
`,
      );
    case "controller":
      return script(
        "activate",
        purpose,
        `${waitFor([units.install])}
${start("ca.crt kubelet.kubeconfig", 'restart_without_pods "$1"')}
${raiseConnectionLimit}
${reserve(nodePool(spec, role).resources)}
${render}
${credentials}
render ${kubeletTemplate} ${kubeletConfig}
${pods}
start ${units.kubelet} ${kubeletStart}
systemctl restart --no-block ${units.approve}
`,
      );
    case "worker":
    case "public":
      return script(
        "activate",
        purpose,
        `${waitFor([units.install])}
${start("*")}
${raiseConnectionLimit}
${reserve(nodePool(spec, role).resources)}
${render}
render ${kubeletTemplate} ${kubeletConfig}
${apiAddress}start ${units.kubelet} ${kubeletStart}
`,
      );
    default:
      return role satisfies never;
  }
}
