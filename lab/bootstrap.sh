#!/usr/bin/env bash
# Checks for Node, npm and git, and installs the packages of package-lock.json.
# Prints only if there is something to do, to standard error.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  printf '%s\n  what to do: %s\n' "$1" "$2" >&2
  exit 1
}

for tool in node npm git; do
  command -v "$tool" >/dev/null || fail "$tool is not on PATH" "install it (npm comes with Node 20.19 or newer), then run again"
done
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "Node $(node --version) is too old" "install Node 20.19 or newer and put it on PATH"

# node_modules/.package-lock.json lists the installed packages: every locked package must be in it, with its version.
installed() {
  node -e '
    const wanted = require("./package-lock.json").packages;
    let found;
    try { found = require("./node_modules/.package-lock.json").packages; } catch { process.exit(1); }
    const missing = Object.keys(wanted).some((path) => path && !wanted[path].optional && !wanted[path].devOptional && found[path]?.version !== wanted[path].version);
    process.exit(missing ? 1 : 0);
  '
}

if ! installed; then
  echo "installing npm packages (npm ci) ..." >&2
  log=$(mktemp)
  # One retry, for temporary failures of the registry.
  npm ci --no-progress >"$log" 2>&1 || { sleep 5; npm ci --no-progress >"$log" 2>&1; } || {
    tail -n 20 "$log" >&2
    fail "npm ci failed (whole output: $log)" "check that npm's registry is reachable (npm config get registry; npm ping), then run again"
  }
  rm -f "$log"
fi
