/** Script and unit that approve kubelets' serving certificates by rule. They run on every controller, without Pulumi. */
import type { ClusterSpec } from "../../spec/cluster.js";
import { programDirectory, scriptPath, secretsDirectory } from "../../contract/paths.js";
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
 * Kubernetes signs such a request once it is approved, but has no approver for it, because a compromised node could request another
 * machine's names: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
 *
 * A node gets a certificate for its own name, and for addresses in the machines' network that are neither another Node's nor the
 * API's. All other requests are denied, with the reason in the journal.
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
    "Approves valid requests of kubelets for serving certificates and denies all others. Needs CREDENTIALS_DIRECTORY and API_ADDRESSES.",
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

${cloudWrites ? `from_cloud() { # ADDRESS ADDRESSES: one of them\n  [[ $1 != *['" ']* && "$2" == *" \\"$1\\" "* ]]\n}\n\n` : ""}objection() { # USER GROUPS USAGES REQUEST: prints what is wrong; nothing if the request is valid
  local node text nodes name type address others=' ' own=' ' entry
  [[ $1 =~ ^\\"system:node:([a-z0-9][a-z0-9.-]*)\\"$ ]] || { echo "$1 is not a node"; return; }
  node=\${BASH_REMATCH[1]}
  [[ " $2" == *' "system:nodes" '* ]] || { echo "$1 is not in system:nodes"; return; }
  case $3 in
    'digital signature,server auth,' | 'digital signature,key encipherment,server auth,' | 'key encipherment,digital signature,server auth,') ;;
    *) echo "requested usages are $3"; return ;;
  esac
  text=$(base64 -d <<<"$4" | openssl req -noout -text -nameopt RFC2253 -reqopt no_header,no_version,no_pubkey,no_sigdump) || { echo "openssl cannot parse the request"; return; }
  mapfile -t text < <(sed 's/^ *//; s/ *$//' <<<"$text")
  # A name that contains line breaks would add lines.
  [ "\${text[*]:1:3} \${#text[@]}" = 'Attributes: Requested Extensions: X509v3 Subject Alternative Name: 5' ] || { echo "it does not request names only: \${text[*]@Q}"; return; }
  [ "\${text[0]}" = "Subject: CN=system:node:$node,O=system:nodes" ] || { echo "\${text[0]@Q} is not the node's subject"; return; }
  nodes=$(api get nodes -o go-template='${addresses}') || exit 1
  while read -r name type address; do
    if [ "$name" != "$node" ]; then others+="$address "; elif [ "$type" != InternalIP ]; then own+="$address "; fi
  done <<<"$nodes"
  while read -r entry; do
    [ "$entry" != "DNS:$node" ] || continue
    address=\${entry#IP Address:}
    address=\${address#DNS:}
    [[ ",$API_ADDRESSES," != *",$address,"* ]] || { echo "$address is the API's"; return; }
    [[ "$others" != *" \\"$address\\" "* ]] || { echo "$address is another node's"; return; }
    case $entry in
      'IP Address:'*) in_network "$address"${cloudWrites ? ` || from_cloud "$address" "$own"` : ""} || { echo "$address is not in the machines' network ${spec.nodeCidr}${cloudWrites ? ", and the cloud has not assigned it to the node" : ""}"; return; } ;;
${cloudWrites ? `      DNS:*) from_cloud "$address" "$own" || { echo "\${entry@Q} is not the node's"; return; } ;;\n` : ""}      *) echo "\${entry@Q} is not the node's"; return ;;
    esac
  done <<<"\${text[4]//,/$'\\n'}"
}

api get certificatesigningrequests --watch --field-selector spec.signerName=kubernetes.io/kubelet-serving -o go-template='${fields}' |
  while IFS='|' read -r name decided request usages groups user; do
    [ -z "$decided" ] || continue
    reason=$(objection "$user" "$groups" "$usages" "$request" </dev/null)
    if [ -z "$reason" ]; then
      echo "approved: $name of $user"
      api certificate approve "$name" </dev/null >/dev/null
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
EnvironmentFile=${secretsDirectory}/cluster.env
ExecStart=${scriptPath("approve")}
Restart=always
RestartSec=3
CapabilityBoundingSet=
ProtectHome=yes
`,
};
