/** Script that reads the machine's metadata from the cloud. */
import type { CloudProfile } from "../../cloud/profile.js";
import { metadataFile } from "../../contract/paths.js";
import type { NodeFile } from "../base/types.js";
import { script } from "./shell.js";

/** Seconds until systemd ends it. */
export const metadataSeconds = 180;

export function metadataScript(profile: Pick<CloudProfile, "metadata">): NodeFile {
  return script(
    "metadata",
    "Writes the machine's metadata from the cloud to a file for units and scripts.",
    `fetch() {
  curl --silent --show-error --fail --noproxy '*' --connect-timeout 5 --max-time 10 \\
    --retry 30 --retry-delay 2 --retry-all-errors --retry-max-time 90 "$@"
}

# The loop below reads these variables by name.
export HOSTNAME PRIVATE_IPV4 PUBLIC_IPV4 REGION ZONE PROVIDER_ID
${profile.metadata}
mkdir -p ${metadataFile.slice(0, metadataFile.lastIndexOf("/"))}
for name in HOSTNAME PRIVATE_IPV4 PUBLIC_IPV4 REGION ZONE PROVIDER_ID; do
  # Some machines have no public address, and some clouds have no zones.
  if [[ -z \${!name} && $name =~ ^(PUBLIC_IPV4|ZONE)$ ]]; then
    echo "$name="
    continue
  fi
  if ! [[ \${!name} =~ ^[A-Za-z0-9.:/-]+$ ]]; then
    echo "metadata: $name: got '\${!name}', allowed: letters, digits, dots, dashes, colons and slashes; check the machine in the cloud's console" >&2
    exit 1
  fi
  echo "$name=\${!name}"
done >${metadataFile}.new
mv ${metadataFile}.new ${metadataFile}
`,
  );
}
