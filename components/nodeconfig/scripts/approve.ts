/** Script and unit that approve kubelets' serving certificates by rule. They run on every controller, without Pulumi. */
import type { ClusterSpec } from "../../spec/cluster.js";
import { programDirectory, scriptDirectory, secretsDirectory } from "../layout.js";
import type { NodeFile, NodeUnit } from "../types.js";
import { script } from "./shell.js";

/** The name of the unit; the activation starts it. */
export const approveUnitName = "corekube-approve.service";

/** Of a request: what the API server has checked comes first, and what could hold anything is quoted and comes last. */
const fields = '{{.metadata.name}}|{{with .status.conditions}}decided{{end}}|{{.spec.request}}|{{range .spec.usages}}{{.}},{{end}}|{{range .spec.groups}}{{printf "%q" .}} {{end}}|{{printf "%q" .spec.username}}{{"\\n"}}';

/**
 * Kubernetes signs such a request when somebody has approved it, and approves none by itself, since a stolen node could ask for
 * another machine's names: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers
 *
 * A node gets a certificate for its own name, and for addresses in the machines' network that are neither another Node's nor the
 * API's. What breaks the rule is denied and told to the journal.
 */
export function approveScript(spec: Pick<ClusterSpec, "nodeCidr">): NodeFile {
  const [network, prefix] = spec.nodeCidr.split("/");
  return script(
    "approve",
    "Approves requests of kubelets for serving certificates that are right, and denies all others. Needs CREDENTIALS_DIRECTORY and API_ADDRESSES.",
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

objection() { # USER GROUPS USAGES REQUEST: says what is wrong; nothing: it is right
  local node text others entry
  [[ $1 =~ ^\\"system:node:([a-z0-9][a-z0-9.-]*)\\"$ ]] || { echo "$1 is no node"; return; }
  node=\${BASH_REMATCH[1]}
  [[ " $2" == *' "system:nodes" '* ]] || { echo "$1 is not in system:nodes"; return; }
  case $3 in
    'digital signature,server auth,' | 'digital signature,key encipherment,server auth,' | 'key encipherment,digital signature,server auth,') ;;
    *) echo "it asks for the usages $3"; return ;;
  esac
  text=$(base64 -d <<<"$4" | openssl req -noout -text -nameopt RFC2253 -reqopt no_header,no_version,no_pubkey,no_sigdump) || { echo "openssl cannot read it"; return; }
  mapfile -t text < <(sed 's/^ *//; s/ *$//' <<<"$text")
  # A name with line breaks inside would make more lines.
  [ "\${text[*]:1:3} \${#text[@]}" = 'Attributes: Requested Extensions: X509v3 Subject Alternative Name: 5' ] || { echo "it asks for other things than names: \${text[*]@Q}"; return; }
  [ "\${text[0]}" = "Subject: CN=system:node:$node,O=system:nodes" ] || { echo "its \${text[0]@Q} is not the node's"; return; }
  others=$(api get nodes -o go-template="{{range .items}}{{if ne .metadata.name \\"$node\\"}}{{range .status.addresses}}{{printf \\"%q \\" .address}}{{end}}{{end}}{{end}}") || exit 1
  while read -r entry; do
    case $entry in
      "DNS:$node") ;;
      'IP Address:'*)
        entry=\${entry#IP Address:}
        in_network "$entry" || { echo "$entry is not in the machines' network ${spec.nodeCidr}"; return; }
        [[ ",$API_ADDRESSES," != *",$entry,"* ]] || { echo "$entry is the API's"; return; }
        [[ " $others" != *" \\"$entry\\" "* ]] || { echo "$entry is another node's"; return; }
        ;;
      *) echo "\${entry@Q} is not its own"; return ;;
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

/** Under a user of its own that nothing else runs under. It ends when its API server does, or has no right yet, and is started again. */
export const approveUnit: NodeUnit = {
  name: approveUnitName,
  contents: `[Unit]
Description=Approval of kubelets' serving certificates
StartLimitIntervalSec=0

[Service]
DynamicUser=yes
LoadCredential=kubeconfig:${secretsDirectory}/csr-approver.kubeconfig
EnvironmentFile=${secretsDirectory}/cluster.env
ExecStart=${scriptDirectory}/approve
Restart=always
RestartSec=3
CapabilityBoundingSet=
ProtectHome=yes
`,
};
