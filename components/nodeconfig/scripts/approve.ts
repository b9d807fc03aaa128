/** Script and unit that approve kubelets' serving certificates by rule, and label the controller's Node. They run on every controller, without Pulumi. */
import type { ClusterSpec } from "../../spec/cluster.js";
import { metadataFile, programDirectory, secretsDirectory } from "../../contract/paths.js";
import { units } from "../../contract/units.js";
import type { NodeFile, NodeUnit } from "../base/types.js";
import { script } from "./shell.js";

/** Fields of a request: those that the API server validates come first; free text is quoted and comes last. */
const fields =
  '{{.metadata.name}}|{{with .status.conditions}}decided{{end}}|{{.spec.request}}|{{range .spec.usages}}{{.}},{{end}}|{{range .spec.groups}}{{printf "%q" .}} {{end}}|{{printf "%q" .spec.username}}{{"\\n"}}';

/** One line for each address of each Node. A name holds no blank; an address may be any text. */
const addresses =
  '{{range .items}}{{$name := .metadata.name}}{{range .status.addresses}}{{$name}} {{.type}} {{printf "%q" .address}}{{"\\n"}}{{end}}{{end}}';

/**
 * Reads a PKCS#10 request: https://www.rfc-editor.org/rfc/rfc2986#section-4. Its only attribute must be the list of extensions, with
 * alternative names as the only extension. The API server has verified its signature.
 */
const readRequest = `element() { # POSITION: sets tag, and start and end of the value
  local count
  (($1 + 1 < \${#der[@]})) || return 1
  tag=\${der[$1]} end=\${der[$1 + 1]} start=$(($1 + 2))
  if ((end >= 128)); then
    count=$((end - 128)) end=0
    ((count >= 1 && count <= 2 && start + count < \${#der[@]})) || return 1
    for ((; count > 0; count--)); do end=$((end * 256 + der[start])) start=$((start + 1)); done
  fi
  end=$((start + end))
  ((end <= \${#der[@]}))
}

expect() { # TAG POSITION [END]
  element "$2" && ((tag == $1)) && { [ $# = 2 ] || ((end == $3)); }
}

identifier() { # BYTES: the element at start, and then what follows it
  expect 6 "$start" && [ "\${der[*]:start:end-start}" = "$1" ]
}

text() { # the value: visible ASCII only
  local index code all=
  for ((index = start; index < end; index++)); do
    ((der[index] > 32 && der[index] < 127)) || return 1
    printf -v code '\\\\x%x' "\${der[index]}"
    all+=$code
  done
  printf '%b' "$all"
}

parse() { # REQUEST: sets organizations, commons and names
  local der tag start end limit position last inner
  organizations=() commons=() names=()
  read -ra der <<<"$(base64 -d <<<"$1" | sed '/^-----/d' | base64 -d | od -An -v -tu1 | tr '\\n' ' ')"
  expect 48 0 \${#der[@]} && expect 48 "$start" || return 1
  limit=$end
  expect 2 "$start" && expect 48 "$end" || return 1
  # The subject: sets of one attribute each.
  position=$start last=$end
  while ((position < last)); do
    expect 49 "$position" || return 1
    position=$end
    expect 48 "$start" "$position" && expect 6 "$start" || return 1
    inner=\${der[*]:start:end-start}
    element "$end" && ((end == position)) && value=$(text) || return 1
    case $inner in
      '85 4 10') organizations+=("$value") ;;
      '85 4 3') commons+=("$value") ;;
      *) return 1 ;;
    esac
  done
  # The key, and the attributes.
  expect 48 "$last" && expect 160 "$end" "$limit" && expect 48 "$start" "$limit" || return 1
  identifier '42 134 72 134 247 13 1 9 14' && expect 49 "$end" "$limit" && expect 48 "$start" "$limit" && expect 48 "$start" "$limit" || return 1
  identifier '85 29 17' || return 1
  position=$end
  if expect 1 "$position"; then position=$end; fi
  expect 4 "$position" "$limit" && expect 48 "$start" "$limit" || return 1
  position=$start
  while ((position < limit)); do
    element "$position" || return 1
    position=$end
    case $tag in
      130) value=$(text) || return 1; names+=("DNS:$value") ;;
      135) ((end - start == 4)) || return 1; value=\${der[*]:start:4} names+=("IP:\${value// /.}") ;;
      *) return 1 ;;
    esac
  done
  ((\${#names[@]} > 0))
}

`;

/**
 * Kubernetes signs such a request once it is approved, but has no approver for it, because a compromised node could request another
 * machine's names: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
 *
 * A node gets a certificate for its own name, and for addresses in the machines' network that are neither another Node's nor the
 * API's. What asks for more is denied, with the reason in the journal. What is not understood stays pending, and `make status` names it: a
 * denial is final. Requests are read as what they are, DER (X.690), by their bytes: the text that openssl prints for people changes.
 *
 * With a cloud provider, kubelets also request the names and the public address that the cloud controller manager has written to the
 * Node's status. They can be trusted because an admission policy keeps kubelets from changing them (addons/cloud/nodeAddresses.ts).
 * Without a cloud provider there is no such policy, and a status proves nothing.
 */
export function approveScript(spec: Pick<ClusterSpec, "nodeCidr" | "cloudProvider">): NodeFile {
  const [network, prefix] = spec.nodeCidr.split("/");
  const cloudWrites = spec.cloudProvider !== "none";
  return script(
    "approve",
    "Approves valid requests of kubelets for serving certificates, denies invalid ones, and leaves others to people. Needs CREDENTIALS_DIRECTORY, HOSTNAME and API_ADDRESSES.",
    `api() {
  HOME=/tmp ${programDirectory}/kubectl --kubeconfig "$CREDENTIALS_DIRECTORY/kubeconfig" "$@"
}

number() { # ADDRESS
  local IFS=. part result=0
  for part in $1; do result=$((result * 256 + 10#$part)); done
  echo "$result"
}

in_network() { # ADDRESS
  [[ $1 =~ ^[0-9]{1,3}(\\.[0-9]{1,3}){3}$ ]] && (($(number "$1") >> ${32 - Number(prefix)} == $(number ${network}) >> ${32 - Number(prefix)}))
}

${readRequest}${cloudWrites ? `from_cloud() { # ADDRESS ADDRESSES: one of them\n  [[ $1 != *['" ']* && "$2" == *" \\"$1\\" "* ]]\n}\n\n` : ""}objection() { # USER GROUPS USAGES REQUEST: prints what is wrong; nothing if the request is valid
  local node nodes name type address others=' ' own=' ' entry
  [[ $1 =~ ^\\"system:node:([a-z0-9][a-z0-9.-]*)\\"$ ]] || { echo "$1 is not a node"; return; }
  node=\${BASH_REMATCH[1]}
  [[ " $2" == *' "system:nodes" '* ]] || { echo "$1 is not in system:nodes"; return; }
  case $3 in
    'digital signature,server auth,' | 'digital signature,key encipherment,server auth,' | 'key encipherment,digital signature,server auth,') ;;
    *) echo "requested usages are $3"; return ;;
  esac
  parse "$4" || { echo "? it asks for something else than a plain list of names, or cannot be read"; return; }
  [ "\${organizations[*]}|\${commons[*]}" = "system:nodes|system:node:$node" ] || { echo "its subject, O=\${organizations[*]@Q} CN=\${commons[*]@Q}, is not the node's"; return; }
  nodes=$(api get nodes -o go-template='${addresses}') || exit 1
  while read -r name type address; do
    if [ "$name" != "$node" ]; then others+="$address "; elif [ "$type" != InternalIP ]; then own+="$address "; fi
  done <<<"$nodes"
  for entry in "\${names[@]}"; do
    [ "$entry" != "DNS:$node" ] || continue
    address=\${entry#IP:}
    address=\${address#DNS:}
    [[ ",$API_ADDRESSES," != *",$address,"* ]] || { echo "$address is the API's"; return; }
    [[ "$others" != *" \\"$address\\" "* ]] || { echo "$address is another node's"; return; }
    case $entry in
      IP:*) in_network "$address"${cloudWrites ? ` || from_cloud "$address" "$own"` : ""} || { echo "$address is not in the machines' network ${spec.nodeCidr}${cloudWrites ? ", and the cloud has not assigned it to the node" : ""}"; return; } ;;
${cloudWrites ? `      DNS:*) from_cloud "$address" "$own" || { echo "\${entry@Q} is not the node's"; return; } ;;\n` : ""}      *) echo "\${entry@Q} is not the node's"; return ;;
    esac
  done
}

# A kubelet may not give its Node a role. The Node may come later: its kubelet's request tells.
labelled=
label_node() {
  [ -n "$labelled" ] || ! api label node "$HOSTNAME" node-role.kubernetes.io/control-plane= --overwrite </dev/null >/dev/null 2>&1 || labelled=yes
}
label_node

api get certificatesigningrequests --watch --field-selector spec.signerName=kubernetes.io/kubelet-serving -o go-template='${fields}' |
  while IFS='|' read -r name decided request usages groups user; do
    label_node
    [ -z "$decided" ] || continue
    reason=$(objection "$user" "$groups" "$usages" "$request" </dev/null)
    if [ -z "$reason" ]; then
      echo "approved: $name of $user"
      api certificate approve "$name" </dev/null >/dev/null
    elif [ "\${reason:0:1}" = "?" ]; then
      echo "PENDING: $name of $user:\${reason:1}; decide with: kubectl certificate approve $name, or: kubectl certificate deny $name"
    else
      echo "DENIED: $name of $user: $reason"
      api certificate deny "$name" </dev/null >/dev/null
    fi
  done
`,
  );
}

/** Runs under its own user. It exits when its API server does, or while it lacks permissions, and is restarted. */
export const approveUnit: NodeUnit = {
  name: units.approve,
  contents: `[Unit]
Description=Approval of kubelets' serving certificates
StartLimitIntervalSec=0

[Service]
DynamicUser=yes
LoadCredential=kubeconfig:${secretsDirectory}/csr-approver.kubeconfig
LoadCredential=approve:${secretsDirectory}/approve
EnvironmentFile=${metadataFile}
EnvironmentFile=${secretsDirectory}/cluster.env
ExecStart=/bin/bash \${CREDENTIALS_DIRECTORY}/approve
Restart=always
RestartSec=3
CapabilityBoundingSet=
ProtectHome=yes
`,
};
