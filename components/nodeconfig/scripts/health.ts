/** Script that checks whether a machine serves. */
import type { Role } from "../../spec/cluster.js";
import {
  etcdCertificates,
  manifestDirectory,
  metadataFile,
  programDirectory,
  scriptPath,
  secretsDirectory,
} from "../../contract/paths.js";
import { units } from "../../contract/units.js";
import type { NodeFile } from "../base/types.js";
import { script } from "./shell.js";

/** curl explains a certificate that it refuses in several lines; the first one says why. */
const check = `check() { # WHAT CURL-ARGUMENT...
  local answer
  answer=$(curl --silent --show-error --fail --noproxy '*' --max-time 5 "\${@:2}" 2>&1) || {
    echo "$1 is not ready: \${answer%%$'\\n'*}"
    exit 1
  }
}
`;

/** A service that was not restarted still runs the program of the configuration before. */
const running = `running() { # UNIT PROGRAM
  local pid
  pid=$(systemctl show --property MainPID --value "$1")
  if [ "$(readlink "/proc/$pid/exe" || true)" != "$(readlink -f "$2")" ]; then
    echo "$1 does not run $(readlink -f "$2") yet"
    exit 1
  fi
}
`;

const kubelet = `running ${units.kubelet} ${programDirectory}/kubelet
check kubelet http://127.0.0.1:10248/healthz
`;

/** The private address, as the shell's `$address`. */
const address = `address=$(sed -n 's/^PRIVATE_IPV4=//p' ${metadataFile})\n`;

/** Without this certificate, API servers cannot fetch logs or run exec. Any response is enough: without credentials it is 401. */
const serving = `${address}certificate=$(curl --silent --show-error --output /dev/null --noproxy '*' --max-time 5 --cacert ${secretsDirectory}/ca.crt "https://$address:10250/" 2>&1) || {
  echo "kubelet has no serving certificate yet: \${certificate%%$'\\n'*}"
  exit 1
}
`;

/** A control-plane pod that is older than its manifest still runs with the previous secrets. */
export const current = `current() { # PROGRAM
  local age
  age=$(ps -C "$1" -o etimes= | sort -n | head -n 1 || true)
  if [ -z "$age" ]; then
    echo "$1 is not running yet"
    exit 1
  fi
  if [ "$age" -gt $(($(date +%s) - $(stat -c %Y "${manifestDirectory}/$1.yaml") + 1)) ]; then
    echo "$1 still runs with the previous secrets"
    exit 1
  fi
}
`;

export function healthScript(role: Role): NodeFile {
  const health = (body: string): NodeFile =>
    script(
      "health",
      "Exits with 0 if this machine serves; otherwise prints what does not serve and exits with 1.",
      `${check}${running}${body}`,
    );
  switch (role) {
    case "etcd":
      return health(`
${scriptPath("member")} || exit 1
running ${units.etcd} ${programDirectory}/etcd
check etcd --cacert ${etcdCertificates}/etcd-ca.crt --cert ${etcdCertificates}/server.crt --key ${etcdCertificates}/server.key \\
  https://127.0.0.1:2379/readyz
`);
    case "controller":
      return health(`
${current}
${kubelet}for program in kube-apiserver kube-controller-manager kube-scheduler; do current "$program"; done
check kube-apiserver --cacert ${secretsDirectory}/ca.crt https://127.0.0.1:6443/readyz
${address}check kube-controller-manager --cacert ${secretsDirectory}/ca.crt "https://$address:10257/healthz"
check kube-scheduler --cacert ${secretsDirectory}/ca.crt "https://$address:10259/readyz"
`);
    case "worker":
    case "public":
      return health(`\n${kubelet}${serving}`);
    default:
      return role satisfies never;
  }
}
