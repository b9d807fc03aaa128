/** Script that installs release files on a machine. */
import type { ClusterSpec, Role } from "../../spec/cluster.js";
import type { Release } from "../../spec/versions.js";
import { cniDirectory, installedDirectory, programDirectory, releasesDirectory } from "../../contract/paths.js";
import { releaseUrl } from "../base/mirror.js";
import type { NodeConfig, NodeFile } from "../base/types.js";
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

/** Programs of a release on the machine's path. CNI plugins are looked for in a directory of their own, which pods write to as well. */
const programs: Readonly<Record<ReleaseName, readonly string[]>> = {
  kubelet: ["kubelet"],
  kubectl: ["kubectl"],
  etcd: ["etcd", "etcdctl", "etcdutl"],
  "cni-plugins": [],
};

/** How each file becomes a directory: a program, or an archive of programs. */
const unpacking: Readonly<Record<ReleaseName, string>> = {
  kubelet: "program",
  kubectl: "program",
  etcd: "archive --strip-components=1 --wildcards '*/etcd' '*/etcdctl' '*/etcdutl'",
  "cni-plugins": "archive",
};

/** Digits of the checksum in a directory's name. */
const checksumDigits = 16;

const directoryOf = (name: ReleaseName, { sha256 }: Release): string =>
  `${releasesDirectory}/${name}-${sha256.slice(0, checksumDigits)}`;

function step(name: ReleaseName, release: Release, spec: Pick<ClusterSpec, "mirrors">): string {
  const url = quote(releaseUrl(spec.mirrors, release.url));
  return `release ${name} ${directoryOf(name, release)} ${url} ${release.sha256} ${unpacking[name]}`;
}

/** Links to the programs of this configuration's releases. They lead nowhere until the script has run. */
export function releaseLinks(spec: Pick<ClusterSpec, "releases">, role: Role): NodeConfig["links"] {
  return needs(role).flatMap((name) => [
    { path: `${installedDirectory}/${name}`, target: directoryOf(name, spec.releases[name]) },
    ...programs[name].map((program) => ({
      path: `${programDirectory}/${program}`,
      target: `${installedDirectory}/${name}/${program}`,
    })),
  ]);
}

export function installScript(spec: Pick<ClusterSpec, "releases" | "mirrors">, role: Role): NodeFile {
  return script(
    "install",
    "Downloads release files, verifies their checksums and unpacks them. Skips those that are already there.",
    `mkdir -p ${releasesDirectory}
# What an interrupted run left.
rm -rf ${releasesDirectory}/.new.*
work=$(mktemp -d ${releasesDirectory}/.new.XXXXXX)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "corekube-install: $*" >&2
  exit 1
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

program() { # NAME
  install -m 0755 "$work/$1" "$work/$1.d/$1"
}

archive() { # NAME [TAR-OPTION...]
  tar --extract --gzip --file "$work/$1" --directory "$work/$1.d" --no-same-owner "\${@:2}" || fail "$1: cannot unpack it"
}

# Complete or not there at all.
release() { # NAME DIRECTORY URL SHA256 program|archive [TAR-OPTION...]
  if [ -d "$2" ]; then return; fi
  download "$1" "$3" "$4"
  mkdir -m 0755 "$work/$1.d"
  "$5" "$1" "\${@:6}"
  rm "$work/$1"
  sync -f "$work"
  mv -T "$work/$1.d" "$2"
}

${needs(role)
  .map((name) => step(name, spec.releases[name], spec))
  .join("\n")}
${needs(role).includes("cni-plugins") ? plugins : ""}`,
  );
}

/** A link for each plugin: others install theirs in the same directory. */
const plugins = `mkdir -p ${cniDirectory}
for plugin in ${installedDirectory}/cni-plugins/*; do ln -sfn "$plugin" "${cniDirectory}/$(basename "$plugin")"; done
`;
