#!/usr/bin/env bash
# Everything that CI asks for, in the order in which a failure is cheapest to learn. Ends with `N passed, N failed`,
# where tests are counted; a failed check beside them counts as one.
set -u
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1 PATH="$PWD/node_modules/.bin:$PATH"
# turbo starts every task by pnpm and looks for it on the PATH, where npx puts it only for its own scripts.
if ! command -v pnpm >/dev/null; then
  printf '#!/bin/sh\nexec npx -y pnpm@10 "$@"\n' >"$scratch/pnpm"
  chmod +x "$scratch/pnpm"
  PATH="$scratch:$PATH"
fi
failed=0

turbo run format lint types rules --continue --cache=local:rw --output-logs=errors-only --log-order=grouped || failed=1
npx -y pnpm@10 test --reporter=default --reporter=json --outputFile.json="$scratch/results.json" || failed=1
bash tools/smoke/first-light.sh || failed=1

counts=$(node -e '
  try {
    const r = JSON.parse(require("node:fs").readFileSync(process.argv[1], "utf8"))
    // A file that could not be loaded has no tests to fail.
    const broken = r.testResults.filter((f) => f.status === "failed" && f.assertionResults.length === 0).length
    console.log(r.numPassedTests, r.numFailedTests + broken)
  } catch { console.log(0, 1) }' "$scratch/results.json")
read -r passed broken <<<"$counts"
[ "$failed" -ne 0 ] && [ "$broken" -eq 0 ] && broken=1
echo "$passed passed, $broken failed"
[ "$failed" -eq 0 ] && [ "$broken" -eq 0 ]
