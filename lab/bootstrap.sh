#!/usr/bin/env bash
# Checks what TypeScript needs to run: Node, npm, git and the packages of package-lock.json, which it installs.
# Prints only when it has something to do, and only to standard error.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  printf '%s\n  what to do: %s\n' "$1" "$2" >&2
  exit 1
}

for tool in node npm git; do
  command -v "$tool" >/dev/null || fail "$tool is not on PATH" "install it (Node 20.19 or newer brings npm), then run again"
done
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  fail "Node $(node --version) is too old" "install Node 20.19 or newer and put it on PATH"

# node_modules/.package-lock.json lists what npm has installed: every locked package must be there in its version.
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
  # Twice, since registries fail now and then.
  npm ci --no-progress >"$log" 2>&1 || { sleep 5; npm ci --no-progress >"$log" 2>&1; } || {
    tail -n 20 "$log" >&2
    fail "npm ci failed (whole output: $log)" "check that npm's registry is reachable (npm config get registry; npm ping), then run again"
  }
  rm -f "$log"
fi
