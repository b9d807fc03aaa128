/**
 * Script that changes the configuration of a machine that runs. It comes with each change and not with user-data, so that it is always as
 * new as the configuration that it applies.
 */
import { digestDigits } from "../../components/contract/configurations.js";
import {
  administrator,
  administratorKeysFile,
  applyPath,
  changePhase,
  changeRecord,
  changeResult,
  configurationDirectory,
  configurationsDirectory,
  currentConfiguration,
  directoriesFile,
  ownedDirectories,
  previousConfiguration,
  registriesDirectory,
  releasesDirectory,
  scriptPath,
  templateDirectory,
  unitDirectory,
  proxyFile,
} from "../../components/contract/paths.js";
import { units } from "../../components/contract/units.js";
import { readers } from "./readers.js";

/** Seconds that the machine may take to serve with another configuration. Images of the control plane may have to be downloaded. */
export const settleSeconds = 300;

/** Seconds that the download of one image may take. */
const pullSeconds = 300;

/** Starts by systemd, 5 s apart, after which a service counts as failing for good. */
const restarts = 6;

/**
 * Without an argument it carries out the change in the record: the name of a configuration's directory, that of the next one, and whether
 * the machine served before; "unknown" until the change has begun. `verify` prints the digest of the current configuration, or nothing if it
 * was changed by hand.
 */
export const applyScript = `#!/bin/bash
# Changes this machine's configuration: switches, restarts what reads what has changed, and waits until the machine serves. If it does
# not, and did before, it gets back the configuration before.
set -euo pipefail
export LC_ALL=C

configurations=${configurationsDirectory}
current=${currentConfiguration}
record=${changeRecord}
phase=${changePhase}

say() {
  echo "$*"
  mkdir -p "$(dirname "$phase")"
  echo "$*" >"$phase"
}

write() { # FILE TEXT
  echo "$2" >"$1.new"
  mv "$1.new" "$1"
  sync -f "$1"
}

finish() { # VERDICT
  write ${changeResult} "$to $1"
  rm -f "$record" "$phase"
  echo "$1"
  exit 0
}

# A line for each file and link of a configuration: its path, and what it is.
listing() { # DIRECTORY
  (
    # Bash ignores errors where the caller looks at the result, and this must never look elsewhere.
    cd "$1" || exit
    find . -type f -printf '%P mode %m\\n'
    find . -type l -printf '%P link %l\\n'
    find . -type f -exec sha256sum {} + | sed -E 's/^([0-9a-f]+)  [.][/](.*)$/\\2 sum \\1/'
  ) | sort
}

digest() { # DIRECTORY
  listing "$1" | sha256sum | cut -c 1-${digestDigits}
}

# The paths that lead into a configuration: one for each of its own, or for the directory that is ours as a whole.
entries() { # DIRECTORY
  (cd "$1" || exit; find . -type f -o -type l) | sed -E 's#^[.]##; s#^(${ownedDirectories.join("|")})/.*#\\1#' | sort -u
}

switch() { # FROM TO
  local path mode
  while read -r mode path; do install -d -m "$mode" "$path"; done <"$configurations/$2${directoriesFile}"
  while read -r path; do
    if [ "$(readlink "$path" || true)" = "$current$path" ]; then continue; fi
    mkdir -p "$(dirname "$path")"
    rm -rf "$path.new"
    ln -s "$current$path" "$path.new"
    mv -T "$path.new" "$path"
  done < <(entries "$configurations/$2")
  # From here on it is the other configuration.
  ln -sfn "$configurations/$2" "$current.new"
  mv -T "$current.new" "$current"
  while read -r path; do rm -f "$path"; done < <(comm -23 <(entries "$configurations/$1") <(entries "$configurations/$2"))
  sync -f "$current"
}

# Flatcar makes the user's authorized_keys of several sets; ours is the one that Ignition wrote, and the cloud's keys are another. A set
# without keys must go: as an empty file it would count as disabled.
administrators() {
  if [ -s ${administratorKeysFile} ]; then
    update-ssh-keys -u ${administrator} -A ignition ${administratorKeysFile}
  else
    update-ssh-keys -u ${administrator} -d ignition
  fi
}

restart() { # FROM TO
  local changed unit
  changed=$(comm -3 <(listing "$configurations/$1") <(listing "$configurations/$2") | sed -E 's/^\\t?([^ ]+) .*/\\/\\1/' | sort -u)
  touched() { grep -Eq "$1" <<<"$changed"; }
  systemctl daemon-reload
${readers.map(([paths, command]) => `  if touched '${paths}'; then ${command}; fi`).join("\n")}
  # Units that are gone, not enabled any more, or masked now.
  for unit in $({
    comm -23 <(entries "$configurations/$1") <(entries "$configurations/$2") | sed -nE 's#^${unitDirectory}/([^/]+[.]wants/)?([^/]+)$#\\2#p'
    comm -13 <(listing "$configurations/$1") <(listing "$configurations/$2") | sed -nE 's#^${unitDirectory.slice(1)}/([^/]+) link /dev/null$#\\1#p'
  } | sort -u); do
    systemctl stop --no-block "$unit"
  done
  # Units that are enabled now.
  for unit in $(comm -13 <(entries "$configurations/$1") <(entries "$configurations/$2") | sed -nE 's#^${unitDirectory}/[^/]+[.]wants/##p'); do
    systemctl start --no-block "$unit"
  done
  # It restarts the machine's service if that started with anything else.
  systemctl reset-failed ${units.activate} 2>/dev/null || true
  systemctl restart --no-block ${units.activate}
}

serves() {
  [ "$(systemctl show --property ActiveState --value ${units.activate})" = active ] || {
    echo "${units.activate} has not succeeded yet"
    return 1
  }
  timeout 30 ${scriptPath("health")} 2>&1
}

# A service that systemd has started again so often will not do with this configuration. It counts from the last start by somebody else.
declare -A known=()
failing() { # sets answer
  local unit count
  for unit in ${[units.containerd, units.etcd, units.kubelet].join(" ")}; do
    count=$(systemctl show --property NRestarts --value "$unit")
    if ((count < \${known[$unit]=$count})); then known[$unit]=0; fi
    if ((count - known[$unit] < ${restarts})); then continue; fi
    answer="$unit keeps failing: $(journalctl "_SYSTEMD_UNIT=$unit" --lines 1 --no-pager --output cat)"
    return 0
  done
  return 1
}

settled() { # sets answer
  local waited good=0
  known=()
  failing || true
  for ((waited = 0; waited < ${settleSeconds}; waited += 3)); do
    if answer=$(serves); then good=$((good + 1)); else good=0; fi
    if ((good == 2)); then return 0; fi
    if failing; then return 1; fi
    if ((good == 0)); then say "waiting for health: \${answer##*$'\\n'}"; fi
    sleep 3
  done
  return 1
}

keep() { # CONFIGURATION...: removes the others, and releases that none of these has
  local path directory
  for path in "$configurations"/*; do
    [[ " $* " == *" $(basename "$path") "* ]] || rm -rf "$path"
  done
  for directory in ${releasesDirectory}/*; do
    [ -n "$(find "$configurations" -lname "$directory" -print -quit)" ] || rm -rf "$directory"
  done
}

# Images of the control plane, so that its pods are away only for the time of a restart.
pull() { # DIRECTORY; sets answer
  local image registries=()
  if [ -d "$1${registriesDirectory}" ]; then registries=(--hosts-dir "$1${registriesDirectory}"); fi
  while read -r image; do
    if [ -n "$(ctr --namespace k8s.io images list --quiet "name==$image")" ]; then continue; fi
    say "pulling $image"
    answer=$(timeout ${pullSeconds} ctr --namespace k8s.io images pull "\${registries[@]}" "$image" 2>&1 >/dev/null) || {
      answer="cannot pull $image: \${answer##*$'\\n'}"
      return 1
    }
  done < <(cat "$1${templateDirectory}"/*.yaml 2>/dev/null | sed -n 's/^ *image: //p' | sort -u)
}

change() {
  say "switching"
  # Not as a condition itself, in which bash would go on after an error.
  switch "$from" "$to" &
  if ! wait $!; then
    ln -sfn "$configurations/$from" "$current"
    systemctl daemon-reload
    finish "failed: cannot switch; is the disk full?"
  fi
  restart "$from" "$to" || true
  if settled; then
    ln -sfn "$configurations/$from" ${previousConfiguration}
    keep "$from" "$to"
    finish ok
  fi
  if [ "$served" = no ]; then finish "ok, and the machine does not serve, as before: $answer"; fi
  failure="it did not serve with the new configuration: \${answer##*$'\\n'}"
  say "going back: $failure"
  switch "$to" "$from"
  restart "$to" "$from" || true
  settled || failure="$failure; nor does it with the one before: \${answer##*$'\\n'}"
  finish "failed: $failure"
}

# Whether every path of the current configuration leads to it, and it is what its name says.
verify() {
  local name path
  [ -d "$current" ] || return 0
  name=$(basename "$(readlink "$current")")
  while read -r path; do
    [ "$(readlink "$path")" = "$current$path" ] || return 0
  done < <(entries "$configurations/$name")
  if [ "$(digest "$configurations/$name")" = "\${name%%.*}" ]; then echo "\${name%%.*}"; fi
}

if [ "\${1-}" = verify ]; then
  verify
  exit 0
fi
exec 9>${configurationDirectory}/.change.lock
flock 9
[ -e "$record" ] || exit 0
read -r from to served <"$record"
answer=
if [ "$served" = unknown ]; then
  [ "$(digest "$configurations/$to")" = "\${to%%.*}" ] || finish "failed: $configurations/$to is not complete"
  say "installing releases"
  if [ -r "$configurations/$to${proxyFile}" ]; then
    set -a
    # shellcheck source=/dev/null
    . "$configurations/$to${proxyFile}"
    set +a
  fi
  output=$("$configurations/$to${scriptPath("install")}" 2>&1) || finish "failed: \${output##*$'\\n'}"
  served=yes
  serves >/dev/null || served=no
  # What is broken may need other files to be able to pull anything.
  pull "$configurations/$to" || [ "$served" = no ] || finish "failed: $answer"
  write "$record" "$from $to $served"
fi
change
`;

/** Repeats itself, and goes on after a reboot. */
export const applyUnit = `[Unit]
Description=Change of the machine's configuration
ConditionPathExists=${changeRecord}
After=network-online.target ${units.activate}
StartLimitIntervalSec=0

[Service]
ExecStart=${applyPath}
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
`;
