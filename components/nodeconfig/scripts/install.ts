/** Script that installs release files on a machine. */
import type { ClusterSpec, Role } from "../../spec/cluster.js";
import type { Release } from "../../spec/versions.js";
import { cniDirectory, programDirectory } from "../../contract/paths.js";
import { releaseUrl } from "../base/mirror.js";
import type { NodeFile } from "../base/types.js";
import { quote, script } from "./shell.js";

type ReleaseName = keyof ClusterSpec["releases"];

/** Seconds until systemd ends it: enough for slow networks. A mirror that does not respond fails much earlier. */
export const installSeconds = 900;

/** Release files that a machine of the role downloads. */
function needs(role: Role): readonly ReleaseName[] {
  switch (role) {
    case "etcd":
      return ["etcd"];
    case "controller":
      return ["kubelet", "kubectl", "cni-plugins"];
    case "worker":
    case "public":
      return ["kubelet", "cni-plugins"];
    default:
      return role satisfies never;
  }
}

/** How each file is installed: a program, or an archive of programs. */
const placing: Readonly<Record<ReleaseName, (file: string) => string>> = {
  kubelet: (file) => `program ${file} ${programDirectory}`,
  kubectl: (file) => `program ${file} ${programDirectory}`,
  etcd: (file) =>
    `archive ${file} ${programDirectory} --strip-components=1 --wildcards '*/etcd' '*/etcdctl' '*/etcdutl'`,
  "cni-plugins": (file) => `archive ${file} ${cniDirectory}`,
};

function step(name: ReleaseName, release: Release, spec: Pick<ClusterSpec, "mirrors">): string {
  const file = `${name} ${quote(releaseUrl(spec.mirrors, release.url))} ${release.sha256}`;
  return placing[name](file);
}

export function installScript(spec: Pick<ClusterSpec, "releases" | "mirrors">, role: Role): NodeFile {
  return script(
    "install",
    "Downloads release files, verifies their checksums and installs their programs. Skips those that are already installed.",
    `# Holds a file for each installed release, with its checksum.
record=/opt/corekube/installed
work=$(mktemp -d /var/tmp/corekube-install.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p "$record"

fail() {
  echo "corekube-install: $*" >&2
  exit 1
}

installed() { # NAME SHA256
  [ "$(cat "$record/$1" 2>/dev/null)" = "$2" ]
}

# Fails within three minutes if the mirror does not respond or stops responding.
download() { # NAME URL SHA256
  local code=0 got
  echo "$1: downloading $2"
  curl --silent --show-error --fail --location --connect-timeout 10 --speed-limit 1000 --speed-time 20 \\
    --retry 4 --retry-delay 3 --retry-all-errors --retry-max-time 120 --output "$work/$1" "$2" || code=$?
  [ "$code" = 0 ] || fail "$1: cannot download $2 (curl exit code $code); check that the mirror is running, has the file, and is reachable from this machine"
  got=$(sha256sum <"$work/$1" | cut -d ' ' -f 1)
  [ "$got" = "$3" ] || fail "$1: wrong checksum of $2: expected $3, got $got; fix the mirror, or set its checksums in corekube:mirrors.checksums"
}

place() { # FILE DIRECTORY: atomically, because the program may be running
  install -D -m 0755 "$1" "$2/.$(basename "$1").new"
  mv -f "$2/.$(basename "$1").new" "$2/$(basename "$1")"
}

program() { # NAME URL SHA256 DIRECTORY
  if installed "$1" "$3"; then return; fi
  download "$1" "$2" "$3"
  place "$work/$1" "$4"
  echo "$3" >"$record/$1"
}

archive() { # NAME URL SHA256 DIRECTORY [TAR-OPTION...]
  local path
  if installed "$1" "$3"; then return; fi
  download "$1" "$2" "$3"
  mkdir "$work/$1.d"
  tar --extract --gzip --file "$work/$1" --directory "$work/$1.d" --no-same-owner "\${@:5}" || fail "$1: cannot unpack $2"
  for path in "$work/$1.d"/*; do place "$path" "$4"; done
  echo "$3" >"$record/$1"
}

${needs(role)
  .map((name) => step(name, spec.releases[name], spec))
  .join("\n")}
`,
  );
}
