#!/usr/bin/env bash
# What a newcomer does: a fresh clone, one command, agents at work; SIGKILL, the same command, nothing lost; SIGTERM, exit 0.
set -eu
source_tree=$(cd "$(dirname "$0")/../.." && pwd)
# The machine's own node, not the workspace's: that is what a newcomer has.
PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -v 'node_modules' | paste -sd:)
export PATH NODE_OPTIONS=''
# Run by pnpm, as in verify, this script inherits that scripts below it install nothing, under both names of the setting.
unset npm_config_verify_deps_before_run pnpm_config_verify_deps_before_run || true
unset npm_package_json npm_lifecycle_event npm_lifecycle_script INIT_CWD || true
home=$(mktemp -d)
log="$home/log"
pid=''
trap '[ -n "$pid" ] && kill -KILL -- "-$pid" 2>/dev/null; rm -rf "$home"' EXIT

fail() { echo "first light: $1"; tail -n 30 "$log"; exit 1; }
wait_for() { # what, seconds, command...
  local what=$1 until=$((SECONDS + $2)); shift 2
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $until ] || fail "waited in vain for $what"; sleep 0.2; done
}
start() { : >"$log"; VIGIL_PORT=0 setsid npx -y pnpm@10 start supervisor >"$log" 2>&1 & pid=$!; wait_for 'the ready line' 120 grep -q '^vigil ready http' "$log"; }
rows() { grep -c '\.csv' "$report" 2>/dev/null || echo 0; }
more_than() { [ "$(rows)" -gt "$1" ]; }

git clone --quiet --no-hardlinks "$source_tree" "$home/vigil"
cd "$home/vigil"
report=examples/pipeline-watch/reports/report.md

start
wait_for 'the first row of the report' 30 more_than 0
before=$(rows)
wait_for 'the report to grow' 30 more_than "$before"
kill -KILL -- "-$pid"; wait "$pid" 2>/dev/null || true
before=$(rows)
start
grep -q '0 accepted events lost, 0 recorded effects repeated, 0 in doubt' "$log" || fail 'the recovery block does not say that nothing was lost'
wait_for 'the report to grow after SIGKILL' 30 more_than "$before"
[ "$(grep -o '[A-Za-z0-9_-]*\.csv' "$report" | sort | uniq -d | wc -l)" = 0 ] || fail 'a file stands in the report twice'
supervisor=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' .vigil/endpoint.json)
kill -TERM "$supervisor"
code=0; wait "$pid" || code=$?
pid=''
[ "$code" = 0 ] || fail "SIGTERM ended it with $code"
echo 'first light: ready, growing, killed, recovered, ended with 0'
